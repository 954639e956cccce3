"""The table of what quality control leaves out."""

import pytest
from recontrast.cohort.exclusions import read, unknown
from recontrast.errors import RecontrastError
from recontrast.layout import Session

HEAD = "participant_id\tsession_id\tcontrast\treason\n"


def test_labels_come_with_or_without_their_prefix_and_from_a_spreadsheet(tmp_path):
    table = tmp_path / "out.tsv"
    rows = "01\t1\tn/a\tmoved\nsub-02 \tses-1\tFLAIR\t\n3\t\t\tgone\n"
    table.write_text("\ufeff" + HEAD + rows, encoding="utf-8")
    assert read(table) == {
        ("sub-01_ses-1", ""): "moved",
        ("sub-02_ses-1", "FLAIR"): "no reason given",
        ("sub-3", ""): "gone",
    }


def test_a_table_in_another_encoding_is_refused_in_one_line(tmp_path):
    table = tmp_path / "out.tsv"
    table.write_bytes((HEAD + "01\t\t\tQualität\n").encode("latin-1"))
    with pytest.raises(RecontrastError, match="cannot be read"):
        read(table)


def test_what_names_nobody_is_named():
    excluded = dict.fromkeys(
        [("sub-01", ""), ("sub-01_ses-1", "T1w"), ("sub-1", ""), ("sub-01", "T1")], "bad"
    )
    said = unknown(excluded, [Session("01", "1")], ["T1w"])
    assert [line.partition(":")[2].partition(" is")[0].strip() for line in said] == ["sub-1", "sub-01 T1"]
