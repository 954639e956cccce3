"""The inheritance principle of BIDS: which text files hold for an image, and what they say together."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest
from recontrast import inheritance
from recontrast.graph.maps import MapJobs


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Where an image would lie; it need not be there."""
    folder = tmp_path / "derivatives/bids/sub-01/ses-2/dwi"
    folder.mkdir(parents=True)
    return folder / "sub-01_ses-2_dir-AP_run-1_dwi.nii.gz"


def put(image: Path, up: int, name: str, content: object = "0 1000") -> Path:
    file = image.parents[up] / name
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def test_without_any_it_belongs_beside_the_image(image: Path) -> None:
    assert inheritance.applicable(image, ".bval") == []
    assert inheritance.nearest(image, ".bval") == image.parent / "sub-01_ses-2_dir-AP_run-1_dwi.bval"


@pytest.mark.parametrize(
    ("up", "name", "holds"),
    [
        (3, "dwi.bval", True),
        (3, "dir-AP_dwi.bval", True),
        (3, "dir-PA_dwi.bval", False),
        (3, "acq-x_dwi.bval", False),
        (3, "bold.bval", False),
        (2, "sub-01_dwi.bval", True),
        (1, "sub-01_ses-2_dwi.bval", True),
        (0, "sub-01_ses-2_dir-AP_dwi.bval", True),
        (4, "dwi.bval", False),  # above the data set
    ],
)
def test_suffix_and_entities_say_what_a_file_holds_for(image: Path, up: int, name: str, holds: bool) -> None:
    file = put(image, up, name)
    assert inheritance.applicable(image, ".bval") == ([file] if holds else [])


def test_the_nearest_and_of_one_folder_the_most_specific_holds_alone(image: Path) -> None:
    put(image, 3, "dwi.bvec")
    near = put(image, 3, "dir-AP_dwi.bvec")
    assert inheritance.nearest(image, ".bvec") == near
    own = put(image, 0, "sub-01_ses-2_dir-AP_run-1_dwi.bvec")
    assert inheritance.nearest(image, ".bvec") == own
    assert inheritance.applicable(image, ".bvec") == [near, own]


def test_json_files_add_up_and_the_nearest_has_the_last_word(image: Path) -> None:
    put(image, 3, "dwi.json", {"EchoTime": 0.09, "PhaseEncodingDirection": "j"})
    put(image, 0, "sub-01_ses-2_dir-AP_run-1_dwi.json", {"PhaseEncodingDirection": "j-"})
    put(image, 2, "sub-01_dwi.json", "no JSON")
    assert inheritance.facts(image) == {"EchoTime": 0.09, "PhaseEncodingDirection": "j-"}


def test_jobs_take_the_files_that_hold(image: Path) -> None:
    class Jobs(MapJobs):
        jobs: ClassVar = {}

        def _session(self, w: object) -> SimpleNamespace:
            return SimpleNamespace(sources={"diffusion": SimpleNamespace(path=image)})

    top = put(image, 3, "dwi.bval")
    assert str(Jobs().dwi_bval(None)) == str(top)
    assert str(Jobs().dwi_bvec(None)) == str(image.parent / "sub-01_ses-2_dir-AP_run-1_dwi.bvec")


def test_outside_a_data_set_only_its_own_folder_counts(tmp_path: Path) -> None:
    image = tmp_path / "here/x_dwi.nii"
    image.parent.mkdir()
    put(image, 1, "dwi.json", {"EchoTime": 2})
    own = put(image, 0, "x_dwi.json", {"EchoTime": 1})
    assert inheritance.applicable(image, ".json") == [own]
