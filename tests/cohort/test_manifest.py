import csv
import hashlib

import pytest
from recontrast.cohort import manifest
from recontrast.config import Contrast, Dataset, Include
from recontrast.layout import Session

THREE = {name: Contrast(suffix=name) for name in ("T1w", "T2w", "FLAIR")}


@pytest.fixture
def build(tmp_path):
    """The manifest of `tmp_path/bids`."""

    def run(contrasts=THREE, datasets=None, **include):
        datasets = datasets or [Dataset(path=tmp_path / "bids")]
        return manifest.build(datasets, contrasts, Include(**include), tmp_path / "cache.json", 1)

    return run


def chosen(built):
    """What was chosen: (session label, contrast) -> file name without ending, or the problem."""
    return {
        (session.label, name): image.problem or image.path.name.removesuffix(".nii.gz")
        for session, images in built.sessions().items()
        for name, image in images.items()
    }


def test_sessions_mixed_with_none(put, build):
    for name in ("sub-01_ses-1_T1w", "sub-01_ses-2_T1w", "sub-01_ses-2_FLAIR", "sub-02_T1w"):
        put(name)
    built = build()
    assert list(built.sessions()) == [Session("01", "1"), Session("01", "2"), Session("02")]
    assert chosen(built) == {
        ("sub-01_ses-1", "T1w"): "sub-01_ses-1_T1w",
        ("sub-01_ses-2", "T1w"): "sub-01_ses-2_T1w",
        ("sub-01_ses-2", "FLAIR"): "sub-01_ses-2_FLAIR",
        ("sub-02", "T1w"): "sub-02_T1w",
    }


@pytest.mark.parametrize(
    ("files", "contrast", "expected"),
    [
        (["T1w", "acq-se_T1w"], {}, "T1w"),
        (["acq-se_T1w"], {}, "acq-se_T1w"),
        (["T1w", "acq-se_T1w"], {"acquisition": "se"}, "acq-se_T1w"),
        (["acq-se_T1w", "acq-se_run-2_T1w"], {"acquisition": "se"}, "acq-se_T1w"),
        (["acq-a_ce-gd_T1w", "acq-a_T1w"], {}, "acq-a_T1w"),
        (["run-1_T1w", "run-2_T1w", "run-10_T1w"], {"run": "first"}, "run-1_T1w"),
        (["run-1_T1w", "run-2_T1w", "run-10_T1w"], {"run": "last"}, "run-10_T1w"),
        (["run-01_T1w", "run-02_T1w"], {"run": 2}, "run-02_T1w"),
        (["T1w", "run-2_T1w"], {"run": "last"}, "run-2_T1w"),
        (
            ["acq-a_run-1_T1w", "acq-b_run-2_T1w", "acq-b_run-3_T1w"],
            {"acquisition": "b", "run": "first"},
            "acq-b_run-2_T1w",
        ),
        (["echo-1_T1w", "echo-2_T1w"], {"echo": 2}, "echo-2_T1w"),
        (["run-1_T1w"], {"run": 2}, None),
        (["acq-a_T1w"], {"acquisition": "b"}, None),
    ],
)
def test_the_file_of_a_contrast(put, build, files, contrast, expected):
    put("sub-01_FLAIR")
    for name in files:
        put(f"sub-01_{name}")
    found = chosen(build({"T1w": Contrast(suffix="T1w", **contrast), "FLAIR": THREE["FLAIR"]}))
    assert found.get(("sub-01", "T1w")) == (expected and f"sub-01_{expected}")


@pytest.mark.parametrize(
    ("files", "contrast", "said"),
    [
        (["run-1_T1w", "run-2_T1w"], {}, "two runs of T1w (sub-01_run-1_T1w.nii.gz, sub-01_run-2_T1w.nii.gz) "
         "with no rule to choose; add run: first or last to contrasts.T1w"),
        (["acq-a_T1w", "acq-b_T1w"], {}, "two files of T1w (sub-01_acq-a_T1w.nii.gz, "
         "sub-01_acq-b_T1w.nii.gz) with no rule to choose; add acquisition: ... to contrasts.T1w"),
        (["acq-a_T1w", "ce-gd_T1w"], {}, "add acquisition: ... and contrast_agent: ... to contrasts.T1w"),
        (["acq-a_run-1_T1w", "acq-b_run-2_T1w"], {"run": "first"}, "with no rule to choose"),
        (["T1w", "T1w.nii"], {"run": "first"}, "two files of T1w"),
        (["run-1_T1w", "run-01_T1w"], {"run": "last"}, "two runs of T1w"),
    ],
)  # fmt: skip
def test_no_rule_to_choose(put, build, files, contrast, said):
    put("sub-01_FLAIR")
    for name in files:
        put(f"sub-01_{name}")
    found = chosen(build({"T1w": Contrast(suffix="T1w", **contrast), "FLAIR": THREE["FLAIR"]}))
    assert said in found["sub-01", "T1w"]
    assert found["sub-01", "FLAIR"] == "sub-01_FLAIR"


def test_a_contrast_of_its_own_is_no_stand_in(put, build):
    for name in ("sub-01_acq-se_T1w", "sub-02_acq-se_T1w", "sub-02_T1w", "sub-03_acq-other_T1w"):
        put(name)
    contrasts = {"T1w": Contrast(suffix="T1w"), "SE": Contrast(suffix="T1w", acquisition="se")}
    assert chosen(build(contrasts)) == {
        ("sub-01", "SE"): "sub-01_acq-se_T1w",
        ("sub-02", "SE"): "sub-02_acq-se_T1w",
        ("sub-02", "T1w"): "sub-02_T1w",
        ("sub-03", "T1w"): "sub-03_acq-other_T1w",
    }


def test_data_sets_keep_their_labels_apart(put, build, tmp_path):
    put("sub-01_T1w")
    put("sub-01_T1w", b"another", root="more")
    both = [Dataset(path=tmp_path / "bids"), Dataset(path=tmp_path / "more", prefix="m")]
    (tmp_path / "more/participants.tsv").write_text("participant_id\tsite\nsub-01\tB\n")
    built = build(datasets=both)
    assert [(i.participant, i.dataset) for i in built.images] == [
        ("01", str(tmp_path / "bids")),
        ("m01", str(tmp_path / "more")),
    ]
    assert built.participants == {"m01": {"participant_id": "sub-01", "site": "B"}}
    assert not built.fatal

    (problem,) = build(datasets=[both[0], Dataset(path=tmp_path / "more")]).fatal
    assert f"has sub-01, as does {tmp_path}/bids; give one of them a prefix" in str(problem)


def test_every_data_set_that_is_not_there_is_fatal(put, build, tmp_path):
    put("sub-01_T1w")
    folders = [Dataset(path=tmp_path / name, prefix=name) for name in ("gone", "bids", "away")]
    built = build(datasets=folders)
    assert [problem.file for problem in built.fatal] == [str(tmp_path / "gone"), str(tmp_path / "away")]
    assert chosen(built) == {("sub-bids01", "T1w"): "sub-01_T1w"}
    assert set(map(str, built.fatal)) <= set(map(str, built.problems))


def test_labels_asked_for(put, build):
    for name in ("sub-control01_ses-1_T1w", "sub-control01_ses-2_T1w", "sub-control02_ses-1_T1w"):
        put(name)
    assert chosen(build(participants=("sub-control01",), sessions=("2",))) == {
        ("sub-control01_ses-2", "T1w"): "sub-control01_ses-2_T1w"
    }
    built = build(participants=("contorl01", "control02"), sessions=("ses-baseline",))
    assert [str(problem) for problem in built.fatal] == [
        "no participant sub-contorl01 in the cohort; did you mean sub-control01?",
        "no session ses-baseline in the cohort; there are 2: ses-1, ses-2",
    ]


def test_a_contrast_that_nobody_has_names_what_there_is(put, build):
    for name in ("sub-01_T1w", "sub-01_acq-space_FLAIR", "sub-02_acq-tse_FLAIR"):
        put(name)
    built = build({"T1": Contrast(suffix="T1"), "FLAIR": Contrast(suffix="FLAIR", acquisition="spce")})
    said = [str(problem) for problem in built.problems]
    assert said[:2] == [
        "contrasts.T1: no file in the cohort matches T1; there are T1w",
        "contrasts.FLAIR: no file in the cohort matches acq-spce_FLAIR; there are acq-space_FLAIR, acq-tse_FLAIR",
    ]
    assert said[2:] == ["2 sessions have none of the contrasts (sub-01, sub-02)"]
    assert not built.fatal


def test_the_table(put, build, tmp_path):
    good = put("sub-01_ses-1_T1w")
    bad = put("sub-02_T1w", b"no image")
    missing = tmp_path / "bids/sub-03/anat/sub-03_T1w.nii.gz"
    missing.parent.mkdir(parents=True)
    missing.symlink_to("nowhere")
    built = build()
    built.write(tmp_path / "out/cohort/manifest.tsv")
    with open(tmp_path / "out/cohort/manifest.tsv", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert list(rows[0]) == [
        "participant_id",
        "session_id",
        "contrast",
        "path",
        "sha256",
        "dataset",
        "problem",
    ]
    assert rows[0] == {
        "participant_id": "sub-01",
        "session_id": "ses-1",
        "contrast": "T1w",
        "path": str(good),
        "sha256": hashlib.sha256(good.read_bytes()).hexdigest(),
        "dataset": str(tmp_path / "bids"),
        "problem": "n/a",
    }
    assert (rows[1]["session_id"], rows[1]["path"]) == ("n/a", str(bad))
    assert rows[1]["problem"].startswith("is not a readable NIfTI image")
    assert (rows[2]["sha256"], rows[2]["path"]) == ("n/a", str(missing))
    assert "datalad get" in rows[2]["problem"]


def test_problems_of_files_are_collected(put, build, tmp_path):
    put("sub-01_T1w")
    put("sub-03_T1w", folder="sub-02/anat")
    (tmp_path / "bids/participants.tsv").write_text("id\nsub-01\n")
    built = build({"T1w": THREE["T1w"]})
    assert chosen(built) == {("sub-01", "T1w"): "sub-01_T1w"}
    assert [problem.file for problem in built.problems] == [
        str(tmp_path / "bids/sub-02/anat/sub-03_T1w.nii.gz"),
        str(tmp_path / "bids/participants.tsv"),
    ]
    assert not built.fatal


@pytest.mark.real
def test_real_data_sets(real_images):
    folders = [
        Dataset(path=real_images / name, prefix=prefix) for name, prefix in (("ms-raw", ""), ("ms-mni", "m"))
    ]
    built = manifest.build(folders, THREE, Include(), None, 1)
    assert not built.problems
    assert [image for image in built.images if image.problem] == []
    sessions = built.sessions()
    assert sum(session.session != "" for session in sessions) == 4
    assert sum(session.participant.startswith("m") for session in sessions) == 2
    assert all(set(images) == set(THREE) for images in sessions.values())
    assert built.participants["03"]["ms_type"] == "RR"

    aging = manifest.build([Dataset(path=real_images / "aging")], THREE, Include(), None, 1)
    assert len(aging.images) == 30
    (problem,) = aging.problems
    assert str(problem).startswith("contrasts.T2w: no file in the cohort matches T2w; there are")


def test_a_file_without_a_run_beside_one_with_a_run_is_noted(put, build):
    for name in ("sub-01_T1w", "sub-01_run-2_T1w", "sub-02_T1w", "sub-02_acq-a_run-1_T1w"):
        put(name)
    built = build({"T1w": Contrast(suffix="T1w")})
    assert chosen(built) == {("sub-01", "T1w"): "sub-01_T1w", ("sub-02", "T1w"): "sub-02_T1w"}
    assert [str(problem) for problem in built.problems] == [
        "contrasts.T1w: in 1 sessions the file without a run is used, not those with one (sub-01);"
        " set run to first, last or a number"
    ]
    assert build({"T1w": Contrast(suffix="T1w", run="last")}).problems == []
