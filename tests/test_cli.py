"""The command line as a user meets it: help at once, one clear line for each mistake, studies that can be run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from recontrast.choice import Choice
from recontrast.config import Study, load
from recontrast.errors import RecontrastError
from recontrast.images import write_text
from recontrast.layout import STUDY
from recontrast.phantom import cohort
from recontrast.proposal import propose
from recontrast.run import dumped
from recontrast.studies import assemble


def recontrast(
    *arguments: object, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess:
    """Run a command, with some variables of its environment changed."""
    command = [sys.executable, "-c", "from recontrast.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def bids(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three tiny heads, the last without a FLAIR."""
    folder = tmp_path_factory.mktemp("cohort") / "bids"
    cohort.make(folder, participants=3, voxel=8.0, contrasts=("T1w", "T2w", "FLAIR"), without_flair=1)
    return folder


def test_help_loads_no_library_that_takes_time() -> None:
    code = (
        "import sys; sys.argv = ['recontrast', '--help']\n"
        "from recontrast.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "sys.exit(bool({'numpy', 'torch', 'pandas', 'snakemake', 'nibabel', 'pydantic'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_plan_says_what_is_done_for_whom(bids: Path, tmp_path: Path) -> None:
    done = recontrast("plan", bids, tmp_path / "out", "--target", "FLAIR")
    assert done.returncode == 0, done.stderr
    for words in ("sub-01", "imputed", "fold all", "T1w T2w FLAIR", "training sessions: 1"):
        assert words in " ".join(done.stdout.split())
    assert not (tmp_path / "out/cohort/plan.json").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "{empty}", "{out}", "group", "--target", "FLAIR"], "{empty}: is an empty folder"),
        (["run", "{missing}", "{out}", "group", "--target", "FLAIR"], "{missing}: does not exist"),
        (["run", "{bids}", "{bids}/results", "group", "--target", "FLAIR"], "lies inside the input"),
        (["run", "{bids}", "{out}"], "no contrast to synthesise is given; give --target"),
        (["run", "{bids}", "{out}", "--target", "DWI"], "no session has a DWI"),
        (
            ["run", "{bids}", "{out}", "--target", "FLAIR", "--participant-label", "99"],
            "no participant sub-99",
        ),
        (["plan", "{bids}", "--target", "FLAIR", "--participant-label"], "--participant-label names nobody"),
        (
            ["run", "{bids}", "{out}", "--target", "FLAIR", "--participant-label", "-n"],
            "--participant-label names nobody",
        ),
        (["run", "{bids}", "{out}", "--target", "FLAIR", "--cores", "-1"], "cannot run on -1 cores"),
        (["run", "{bids}", "{out}", "--study", "wei"], "there is no study 'wei'"),
        (["status", "{empty}"], "contains no results"),
        (["study", "new", "{bids}", "{file}"], "exists already"),
        (["run", "{bids}", "/proc/nowhere/out", "--target", "FLAIR"], "/proc/nowhere"),
    ],
)
def test_mistakes_of_the_caller_take_one_line(
    bids: Path, tmp_path: Path, arguments: list[str], words: str
) -> None:
    places = {
        "bids": bids,
        "out": tmp_path / "out",
        "empty": tmp_path / "empty",
        "missing": tmp_path / "missing",
    }
    places["file"] = tmp_path / "study.yaml"
    places["empty"].mkdir()
    places["file"].touch()
    done = recontrast(*(a.format(**places) for a in arguments))
    assert done.returncode == 2, done.stdout + done.stderr
    assert words.format(**places) in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_target_that_nobody_has_lists_why(bids: Path, tmp_path: Path) -> None:
    study = yaml.safe_load((Path(__file__).parents[1] / "config.yaml").read_text())
    study["datasets"] = [{"path": str(bids)}]
    study["contrasts"] |= {"DIR": {"suffix": "T2w", "acquisition": "dir"}}
    for experiment in study["experiments"].values():
        experiment["target"] = "DIR"
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    done = recontrast("run", "--study", tmp_path / "study.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert "no session has the target DIR" in done.stderr
    assert "no file in the cohort matches acq-dir_T2w" in done.stderr


def test_plan_says_all_that_is_wrong_with_files_and_settings_at_once(bids: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bids"
    shutil.copytree(bids, folder)
    (folder / "sub-02/anat/sub-02_T2w.nii.gz").write_bytes(b"no image")
    (folder / "sub-01/anat/notes.nii.gz").write_bytes(b"")
    config = propose(bids, "FLAIR", tmp_path / "out") | {"regoin": "brain"}
    config["datasets"] = [{"path": str(folder)}]
    next(iter(config["experiments"].values()))["method"] = "unet2e"
    study = tmp_path / "study.yaml"
    study.write_text(yaml.safe_dump(config | {"output": str(tmp_path / "out")}))
    done = recontrast("plan", "--study", study)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 4, done.stderr
    for words in (
        "sub-02_T2w.nii.gz: is not a readable",
        "notes.nii.gz: lies in the folder of sub-01 but is named after another",
        "regoin: unknown key (did you mean 'region'?)",
        "no method 'unet2e' (did you mean 'unet2d'?)",
    ):
        assert words in done.stderr


def test_names_and_patterns_that_are_wrong_take_a_line_each(bids: Path, tmp_path: Path) -> None:
    config = propose(bids, "FLAIR", tmp_path / "out")
    config["experiments"] = {"my-exp": next(iter(config["experiments"].values()))}
    config["contrasts"]["T1w_post"] = {"suffix": "T1w", "contrast_agent": "agent"}
    config["conversion"] = {"rules": [{"name": "ours", "description": "t1 (mprage"}]}
    study = tmp_path / "study.yaml"
    study.write_text(yaml.safe_dump(config | {"output": str(tmp_path / "out")}))
    for command in (["plan"], ["run"], ["doctor"]):
        done = recontrast(*command, "--study", study)
        assert done.returncode == 2, done.stdout
        lines = done.stderr.splitlines()
        assert [line.split(": ")[1] for line in lines] == [
            "contrasts.T1w_post",
            "experiments.my-exp",
            "conversion.rules.0.description",
        ]


def test_a_run_without_its_tools_takes_one_line(bids: Path, tmp_path: Path) -> None:
    config = propose(bids, "FLAIR", tmp_path / "out") | {"backend": "fsl", "output": str(tmp_path / "out")}
    study = tmp_path / "study.yaml"
    study.write_text(yaml.safe_dump(config))
    (tmp_path / "bash").symlink_to(shutil.which("bash"))  # which Snakemake misses otherwise
    nothing = {"PATH": str(tmp_path)}
    done = recontrast("run", "--study", study, **nothing)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("recontrast: no backend can run correct_bias here: fsl: ")
    assert line.endswith("install FSL and set it up in this shell, or choose another backend")
    done = recontrast("plan", "--study", study, **nothing)
    assert done.returncode == 1
    assert f"cannot run: {line.removeprefix('recontrast: ')}" in done.stdout.splitlines()


def test_a_new_study_is_commented_and_valid(bids: Path, tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    assert (
        recontrast("study", "new", bids, file, "--target", "FLAIR", "--output", tmp_path / "out").returncode
        == 0
    )
    text = file.read_text()
    assert text.count("#") > 20
    content = yaml.safe_load(text)
    assert set(Study.model_fields) <= set(content)
    study = load(content)
    assert [str(d.path) for d in study.datasets] == [str(bids)]
    (experiment,) = study.experiments.values()
    assert (experiment.inputs, experiment.target) == (("T1w", "T2w"), "FLAIR")


def test_a_proposal_takes_what_all_owners_of_the_target_share(bids: Path, tmp_path: Path) -> None:
    copy = tmp_path / "bids"
    subprocess.run(["cp", "-r", bids, copy], check=True)
    (copy / "sub-02/anat/sub-02_T2w.nii.gz").unlink()
    (experiment,) = propose(copy, "FLAIR", tmp_path / "out")["experiments"].values()
    assert experiment["inputs"] == ["T1w"]


def test_one_who_has_another_kind_alone_has_the_contrast_too(bids: Path, tmp_path: Path) -> None:
    copy = tmp_path / "bids"
    subprocess.run(["cp", "-r", bids, copy], check=True)
    image = copy / "sub-02/anat/sub-02_T2w.nii.gz"
    image.rename(image.with_name("sub-02_acq-space_T2w.nii.gz"))
    (experiment,) = propose(copy, "FLAIR", tmp_path / "out")["experiments"].values()
    assert experiment["inputs"] == ["T1w", "T2w"]
    # Of two kinds in one session, neither without a label, nothing says which is meant.
    shutil.copy(image.with_name("sub-02_acq-space_T2w.nii.gz"), image.with_name("sub-02_acq-tse_T2w.nii.gz"))
    (experiment,) = propose(copy, "FLAIR", tmp_path / "other")["experiments"].values()
    assert experiment["inputs"] == ["T1w"]


def test_the_level_alone_is_enough_where_the_study_names_its_data(bids: Path, tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    config = propose(bids, "FLAIR", tmp_path / "out") | {"output": str(tmp_path / "out")}
    file.write_text(yaml.safe_dump(config))
    done = recontrast("run", "participant", "--study", file, "-n")
    assert done.returncode == 0, done.stderr
    assert "resample" in done.stdout
    assert "train" not in done.stdout


def test_what_was_proposed_before_stands(bids: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    first = propose(bids, "FLAIR", tmp_path / "out")
    assert first["splits"] == {"folds": 5}  # however many there are: who joins later moves nobody
    kept = load(first | {"output": str(tmp_path / "out")})
    (tmp_path / "out/cohort").mkdir(parents=True)
    (tmp_path / "out/cohort/study.yaml").write_text(dumped(kept))
    copy = tmp_path / "bids"
    subprocess.run(["cp", "-r", bids, copy], check=True)
    (copy / "sub-02/anat/sub-02_T2w.nii.gz").unlink()
    again = load(propose(copy, "FLAIR", tmp_path / "out"))
    assert again.model_copy(update={"datasets": kept.datasets, "output": kept.output}) == kept
    assert "not used: T2w, which sub-02 with FLAIR lacks" not in capsys.readouterr().err
    propose(copy, "FLAIR", tmp_path / "other")
    assert "not used: T2w, which sub-02 with FLAIR lacks" in capsys.readouterr().err
    assert list(propose(copy, "T2w", tmp_path / "out")["experiments"]) == ["T2wfcn3d"]


def test_a_filter_says_which_kind_a_proposal_takes(bids: Path, tmp_path: Path) -> None:
    copy = tmp_path / "bids"
    subprocess.run(["cp", "-r", bids, copy], check=True)
    for image in sorted(copy.glob("sub-*/anat/*_T1w.*")):
        for kind in ("a", "b"):
            shutil.copy(image, image.with_name(image.name.replace("_T1w", f"_acq-{kind}_T1w")))
        image.unlink()
    filters = tmp_path / "filters.json"
    filters.write_text('{"t1w": {"acquisition": "b"}}')
    choice = Choice(target="FLAIR", bids_filter_file=filters)
    study = load(assemble(copy, tmp_path / "out", choice))
    assert study.experiments["FLAIRfcn3d"].inputs == ("T1w", "T2w")
    assert study.contrasts["T1w"].label == "acq-b_T1w"


def test_a_proposal_for_a_cohort_whose_names_all_say_how_it_was_acquired(bids: Path, tmp_path: Path) -> None:
    copy = tmp_path / "bids"
    subprocess.run(["cp", "-r", bids, copy], check=True)
    for image in sorted(copy.glob("sub-*/anat/*_FLAIR.*")):
        image.rename(image.with_name(image.name.replace("_FLAIR", "_acq-3D_FLAIR")))
    (experiment,) = propose(copy, "FLAIR", tmp_path / "out")["experiments"].values()
    assert experiment["inputs"] == ["T1w", "T2w"]
    for image in copy.glob("sub-02/anat/*_FLAIR.*"):
        image.rename(image.with_name(image.name.replace("3D", "2D")))
    with pytest.raises(RecontrastError, match="several kinds of FLAIR"):
        propose(copy, "FLAIR", tmp_path / "out")


def test_filters_and_labels_of_a_bids_app(bids: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    copy = tmp_path / "bids"
    subprocess.run(["cp", "-r", bids, copy], check=True)
    for image in sorted(copy.glob("sub-*/anat/*_T1w.*")):
        image.rename(image.with_name(image.name.replace("_T1w", "_acq-mprage_T1w")))
    filters = tmp_path / "filters.json"
    filters.write_text('{"t1w": {"datatype": "anat", "suffix": "T1w", "acquisition": "mprage"}}')
    choice = Choice(
        target="FLAIR", participant_label=("sub-01", "02"), session_label=("ses-1",), bids_filter_file=filters
    )
    config = assemble(copy, tmp_path / "out", choice)
    assert config["contrasts"]["T1w"] == {"suffix": "T1w", "acquisition": "mprage"}
    assert config["include"] == {"participants": ["01", "02"], "sessions": ["1"]}
    with pytest.raises(
        RecontrastError, match="has 't1w', which is not a contrast of the study; use T2w, FLAIR"
    ):
        assemble(bids, tmp_path / "out", choice)
    assert "not used: T1w, as no image passes the filter" in capsys.readouterr().err


def test_a_proposal_is_for_those_who_are_asked_for_and_filters_are_those_of_the_run(
    bids: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "bids"
    subprocess.run(["cp", "-r", bids, copy], check=True)
    for image in sorted(copy.glob("sub-*/anat/*_T1w.*")):
        image.rename(image.with_name(image.name.replace("_T1w", "_run-01_T1w")))
    for image in copy.glob("sub-02/anat/*_T2w.*"):
        image.unlink()
    filters = tmp_path / "filters.json"
    filters.write_text('{"T1w": {"run": 1}, "T2w": {"run": "last"}}')

    def inputs(**asked: object) -> list[str]:
        config = assemble(copy, tmp_path / "out", Choice(target="FLAIR", **asked))
        return config["experiments"]["FLAIRfcn3d"]["inputs"]

    assert inputs() == ["T1w"]
    assert inputs(participant_label=("01",)) == ["T1w", "T2w"]
    assert inputs(participant_label=("01",), bids_filter_file=filters) == ["T1w", "T2w"]
    asked = {"target": "FLAIR", "participant_label": ("01",)}
    first = assemble(copy, tmp_path / "out", Choice(**asked, recipe="paper", bids_filter_file=filters))
    write_text(tmp_path / "out" / STUDY, yaml.safe_dump(first))
    again = assemble(copy, tmp_path / "out", Choice(target="FLAIR"))
    assert again["contrasts"]["T1w"] == {"suffix": "T1w"}
    assert again["experiments"]["FLAIRfcn3d"]["recipe"] == "quick"


def test_what_follows_two_dashes_goes_to_snakemake(bids: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = recontrast(
        "run", bids, out, "--target", "FLAIR", "--dry-run", "--", "--quiet", "all", "--until", "resample"
    )
    assert done.returncode == 0, done.stderr
    done = recontrast("run", bids, out, "--target", "FLAIR", "-n", "--", "--until", "resample")
    assert "resample" in done.stdout + done.stderr
    assert "train" not in (done.stdout + done.stderr).split()


def test_doctor_says_what_each_step_will_use() -> None:
    done = recontrast("doctor")
    assert done.returncode == 0
    for word in (
        "antspyx",
        "dcm2niix",
        "nipype",
        "anatomy correct_bias",
        "anatomy register: auto uses",
        "fsl: ",
        "GPU",
    ):
        assert word in done.stdout


def test_doctor_says_what_the_steps_of_a_study_will_use(bids: Path, tmp_path: Path) -> None:
    study = propose(bids, "FLAIR", tmp_path / "out") | {"backends": {"register": "fsl"}}
    file = tmp_path / "study.yaml"
    file.write_text(yaml.safe_dump(study))
    nothing = {"PATH": str(tmp_path)}
    done = recontrast("doctor", "--study", file, **nothing)
    assert done.returncode == 1
    said = done.stdout.splitlines()
    assert any(line.startswith("anatomy correct_bias: embedded (antspyx ") for line in said)
    assert any(
        line.startswith("anatomy register: ") and "flirt of FSL is not on the PATH" in line for line in said
    )
    assert "diffusion" not in done.stdout
    file.write_text(yaml.safe_dump(study | {"software": "conda"}))
    done = recontrast("doctor", "--study", file, **nothing)
    assert done.returncode == 0
    assert "anatomy register: fsl (envs/fsl.yaml " in done.stdout


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_output_folder_without_rights(bids: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir(mode=0o500)
    done = recontrast("run", bids, tmp_path / "out", "--target", "FLAIR")
    assert done.returncode == 2
    assert "Permission denied" in done.stderr
