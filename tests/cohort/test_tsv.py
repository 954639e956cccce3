"""Tables that people write, as editors and spreadsheets leave them."""

import pytest
from recontrast.cohort import tsv


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("\ufeffa\tb\n1\t 2 \n", [{"a": "1", "b": "2"}]),
        ('a\tb\n1\t"moved\n2\tx\n', [{"a": "1", "b": '"moved'}, {"a": "2", "b": "x"}]),
        ('a\tb\n1\t"moved, ""a lot"""\n', [{"a": "1", "b": 'moved, "a lot"'}]),
        ("a\tb\n1\t2\t3\t4\n", [{"a": "1", "b": "2"}]),
        ("a\tb\n1\n", [{"a": "1", "b": "n/a"}]),
        ("a\tb\n", []),
    ],
)  # fmt: skip
def test_rows(tmp_path, text, rows):
    path = tmp_path / "table.tsv"
    path.write_text(text, encoding="utf-8")
    assert tsv.read(path, missing="n/a") == rows
