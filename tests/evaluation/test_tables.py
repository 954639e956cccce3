"""Tables as text, there and back."""

import pytest
from recontrast import tables
from recontrast.errors import RecontrastError
from recontrast.participants import by_participant


def test_what_is_written_is_read_again(tmp_path):
    tables.write(
        tmp_path / "t.tsv", ["a", "b"], [{"b": 0.1 + 0.2, "a": 'x "y"'}, {"a": 2, "b": float("nan")}]
    )
    assert (tmp_path / "t.tsv").read_text() == 'a\tb\nx "y"\t0.3\n2\tn/a\n'
    assert tables.read(tmp_path / "t.tsv", ["b"]) == [{"a": 'x "y"', "b": "0.3"}, {"a": "2", "b": "n/a"}]


def test_people_in_no_fold_do_not_count_among_those_who_are(tmp_path):
    columns = {"experiment": "A", "region": "brain", "metric": "mse"}
    rows = [
        columns | {"participant_id": who, "fold": fold, "value": value}
        for who, fold, value in (("a", "1", "1"), ("b", "2", "3"), ("c", "all", "9"))
    ]
    key = tuple(columns.values())
    assert by_participant(rows)[key] == {"a": 1, "b": 3}
    assert by_participant(rows, "all")[key] == {"c": 9}
    assert by_participant(rows[2:])[key] == {"c": 9}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "lacks the columns a"),
        (b"b\n1\n", "lacks the columns a"),
        (b"a\tb\n1\n", "unequal"),
        (b"\xff", "not a"),
    ],
)
def test_what_is_no_table_is_named(tmp_path, content, problem):
    (tmp_path / "t.tsv").write_bytes(content)
    with pytest.raises(RecontrastError, match=rf"t\.tsv: .*{problem}"):
        tables.read(tmp_path / "t.tsv", ["a"])
