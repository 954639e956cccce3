"""A graph that is taken up from its file answers as the one that was planned, whatever has changed meanwhile."""

from pathlib import Path

import pytest
from recontrast import frozen, layout
from recontrast.cohort import splits
from recontrast.cohort.bids import RawImage
from recontrast.cohort.quarantine import Failure
from recontrast.conversion.planned import Job
from recontrast.errors import RecontrastError
from recontrast.freeze import content, freeze
from recontrast.graph import Graph
from recontrast.plan import Earlier, Plan, Trained
from test_plan import FOUR, cohort, study


def test_the_same_plan_without_a_look_at_the_cohort(tmp_path: Path) -> None:
    table = tmp_path / "exclude.tsv"
    table.write_text("participant_id\tcontrast\treason\nsub-04\tT2w\tmotion\n")
    asked = study(output=str(tmp_path), exclude=str(table))
    manifest = cohort(**FOUR, s05="T1w T2w", s06_2="T1w T2w! FLAIR")
    manifest.participants = {"01": {"age": "71"}}
    pinned = splits.assign(["01", "02", "03"], asked.splits)
    failure = Failure("sub-02", "T2w", "anatomy register", "no overlap", "abc")
    earlier = Earlier((Trained("Fcn", "all", ("T1w", "T2w"), "FLAIR"),), ("fold1",), ("1",))
    image = RawImage("01", "", "T1w", {}, Path("sourcedata/raw/sub-01/anat/sub-01_T1w.nii.gz"), 1, 2, 3)
    jobs = {str(image.path): Job(image, "hash", tmp_path / "series.txt")}
    graph = Graph(Plan(asked, manifest, pinned, [failure], earlier), jobs)
    freeze(graph)
    table.unlink()
    (tmp_path / layout.SPLITS).unlink()
    again = frozen.read(tmp_path)
    assert content(again) == content(graph)
    assert again.plan.sessions == graph.plan.sessions
    assert again.plan.models == graph.plan.models
    assert (again.plan.failures, again.jobs) == (graph.plan.failures, jobs)
    assert again.plan.earlier == earlier
    assert set(again.plan.left_out) | set(again.plan.sessions) >= {"sub-05", "sub-06_ses-2"}


def test_backends_are_those_of_the_machine_that_planned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = Graph(Plan(study(output=str(tmp_path)), cohort(**FOUR)))
    freeze(graph)
    code = graph.code("anatomy", "register")
    monkeypatch.setattr("recontrast.backends.protocol.versions", lambda *_: pytest.fail("looked for tools"))
    again = frozen.read(tmp_path)
    assert again.backend("anatomy", "register") == "embedded"
    assert again.code("anatomy", "register") == code


def test_a_job_that_does_not_see_the_output_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(RecontrastError, match="under the same path"):
        frozen.read(tmp_path)
