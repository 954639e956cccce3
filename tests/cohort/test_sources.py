"""What maps are made of: a diffusion series with its gradient table, and groups of echoes and delays."""

from collections.abc import Callable
from pathlib import Path

import pytest
from recontrast.cohort import manifest
from recontrast.config import Dataset, Include, load
from recontrast.contrasts import Contrast
from recontrast.maps import Series
from recontrast.run import _checks
from tiny_images import tiny

SOURCES = {"diffusion": Series(), "relaxometry": Contrast(suffix="MESE")}
NAMES = [f"sub-01_acq-delay{delay}_echo-{echo}_MESE" for delay in (1, 2, 3) for echo in (1, 2)]


@pytest.fixture
def images(put: Callable[..., Path], tmp_path: Path) -> Callable[[], dict[str, manifest.Image]]:
    """A session with everything; the function tells what a manifest makes of it, by name."""
    put("sub-01_T1w")
    series = put("sub-01_dwi", tiny(shape=(5, 6, 7, 4)), folder="sub-01/dwi")
    for ending in ("bval", "bvec"):
        series.with_name(f"sub-01_dwi.{ending}").write_text("0 1000 1000 1000\n")
    for name in NAMES:
        put(name).with_name(f"{name}.json").write_text('{"EchoTime": 0.02}')

    def look() -> dict[str, manifest.Image]:
        contrasts, datasets = {"T1w": Contrast(suffix="T1w")}, [Dataset(path=tmp_path / "bids")]
        built = manifest.build(datasets, contrasts, Include(), tmp_path / "cache.json", 1, sources=SOURCES)
        (found,) = built.sessions().values()
        return found

    return look


def test_a_session_with_everything(images, tmp_path: Path) -> None:
    found = images()
    assert {name: image.problem for name, image in found.items()} == dict.fromkeys(["T1w", *SOURCES], "")
    group = [path.name.split(".")[0] for path in (found["relaxometry"].path, *found["relaxometry"].others)]
    assert group == NAMES
    assert found == images()


@pytest.mark.parametrize(
    ("file", "changed"),
    [
        ("dwi/sub-01_dwi.bvec", "diffusion"),
        ("dwi/sub-01_dwi.bval", "diffusion"),
        (f"anat/{NAMES[3]}.json", "relaxometry"),
        (f"anat/{NAMES[5]}.nii.gz", "relaxometry"),
    ],
)
def test_every_file_counts(images, tmp_path: Path, file: str, changed: str) -> None:
    before = images()
    path = tmp_path / "bids/sub-01" / file
    path.write_bytes(tiny(99) if file.endswith("gz") else b"0 0 0 0\n")
    after = images()
    assert {name for name in after if after[name].sha256 != before[name].sha256} == {changed}


def test_text_files_at_the_top_of_the_data_set_hold_for_everyone(images, tmp_path: Path) -> None:
    before = images()
    top, own = tmp_path / "bids", tmp_path / "bids/sub-01/dwi"
    for ending in ("bval", "bvec"):
        (own / f"sub-01_dwi.{ending}").rename(top / f"dwi.{ending}")
    assert images() == before
    (top / "dwi.bval").write_text("0 900 900 900\n")
    (top / "MESE.json").write_text('{"RepetitionTime": 4}')
    after = images()
    assert all(after[name].sha256 != before[name].sha256 for name in SOURCES)


@pytest.mark.parametrize(
    ("file", "content", "name", "said"),
    [
        ("dwi/sub-01_dwi.bvec", None, "diffusion", "has no .bvec file beside it or in a folder above"),
        ("dwi/sub-01_dwi.nii.gz", tiny(), "diffusion", "has 3 dimensions"),
        ("dwi/sub-01_dwi.nii.gz", tiny(shape=(5, 6, 7, 4))[:-400], "diffusion", "cannot be read"),
        (f"anat/{NAMES[2]}.nii.gz", None, "relaxometry", "acq-delay2_echo-1 is missing"),
        (f"anat/{NAMES[2]}.nii.gz", tiny()[:-300], "relaxometry", f"{NAMES[2]}.nii.gz is not a readable"),
        ("anat/sub-01_acq-delay1_echo-1_run-2_MESE.nii.gz", tiny(), "relaxometry",
         "add run: first or last to relaxometry.images"),
    ],
)  # fmt: skip
def test_one_bad_file_is_named(
    images, tmp_path: Path, file: str, content: bytes | None, name: str, said: str
) -> None:
    path = tmp_path / "bids/sub-01" / file
    if content is None:
        path.unlink()
    else:
        if "run-2" in file:
            (path.parent / f"{NAMES[0]}.nii.gz").rename(
                path.parent / "sub-01_acq-delay1_echo-1_run-1_MESE.nii.gz"
            )
        path.write_bytes(content)
    found = images()
    assert said in found[name].problem
    assert not any(image.problem for other, image in found.items() if other != name)


def test_text_files_that_do_not_suffice_are_named_before_any_job(images, tmp_path: Path) -> None:
    """Through the whole of the planning: tables that do not fit, series that hold no tensor, times not known."""
    study = load(
        {
            "output": tmp_path / "out",
            "datasets": [{"path": tmp_path / "bids"}],
            "contrasts": {name: {"suffix": name} for name in ("T1w", "FLAIR")},
            "reference": "T1w",
            "experiments": {"Patch": {"method": "patch_to_voxel", "inputs": ["T1w"], "target": "FLAIR"}},
            "diffusion": {"dwi": {"suffix": "dwi"}},
            "relaxometry": {"images": {"suffix": "MESE"}},
        }
    )
    folder = tmp_path / "bids/sub-01/dwi"
    (folder / "sub-01_dwi.bval").write_text("0 1000 1000\n")
    (folder / "sub-01_dwi.bvec").write_text("0 foo 1 1\n" * 3)

    def problems() -> dict[str, str]:
        datasets, cache = study.datasets, tmp_path / "cache.json"
        built = manifest.build(
            datasets, study.contrasts, Include(), cache, 1, sources=study.sources, checks=_checks(study)
        )
        return {image.contrast: image.problem for image in built.images}

    assert problems() == {
        "T1w": "",
        "diffusion": "sub-01_dwi.bval: contains 3 b-values for a series of 4 volumes; convert again;"
        " sub-01_dwi.bvec: is not a table of numbers; convert again",
        "relaxometry": f"{NAMES[0]}.nii.gz: its delay time is not known: there is no SaturationDelayTime or"
        " InversionTime in its JSON file; give the times in the study",
    }
    (folder / "sub-01_dwi.bval").write_text("0 1000 1000 1000\n")
    (folder / "sub-01_dwi.bvec").write_text("0 1 0 0\n0 0 1 0\n0 0 0 1\n")
    assert "has 3 different directions up to b 1200" in problems()["diffusion"]
    (folder / "sub-01_dwi.bval").write_text("0 0 0 0\n")
    assert "has no diffusion-weighted volume" in problems()["diffusion"]
