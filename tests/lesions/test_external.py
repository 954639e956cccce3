"""Tools of the user's, played by small scripts: one that writes where it is told, two that choose their own names."""

import sys

import nibabel as nib
import numpy as np
import pytest
from recontrast.errors import RecontrastError
from recontrast.lesions.run_external import run_external
from small_heads import array, head

# As LST-AI: a mask under a name of its own, in a folder that must be empty.
MASKS = """
import sys, pathlib, nibabel as nib
flair, t1w, folder = sys.argv[1:]
assert not list(pathlib.Path(folder).iterdir())
image = nib.load(flair)
mask = (image.get_fdata() > 1300) & (nib.load(t1w).get_fdata() > 0)
nib.save(nib.Nifti1Image(mask.astype("uint8"), image.affine), f"{folder}/space-flair_seg-lst.nii.gz")
"""
# As SAMSEG: labels of all tissue, in FreeSurfer's format, in a folder inside.
LABELS = """
import sys, pathlib, numpy as np, nibabel as nib
flair, folder = sys.argv[1:]
image = nib.load(flair)
labels = np.where(image.get_fdata() > 1300, 99, 41).astype("int32")
(pathlib.Path(folder) / "seg").mkdir()
nib.save(nib.MGHImage(labels, image.affine), f"{folder}/seg/seg.mgz")
"""
DAMAGED = """
import sys, pathlib
flair, output = sys.argv[1:]
content = pathlib.Path(flair).read_bytes()
pathlib.Path(output).write_bytes(content[: len(content) // 2])
"""


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    return head(tmp_path_factory.mktemp("head"), 1)


def run(one, folder, script, places, **settings):
    file = folder / "a tool.py"
    file.write_text(script)
    out = {"probability": folder / "p.nii.gz", "lesions": folder / "l.nii.gz"}
    command = f"'{sys.executable}' '{file}' {places}"
    run_external(command=command, flair=one["flair"], mask=one["mask"], **out, **settings)
    return array(out["lesions"]) > 0


def bright(one):
    return (array(one["flair"]) > 1300) & (array(one["mask"]) > 0)


def test_a_mask_under_a_name_of_the_tools_own(one, tmp_path):
    settings = {"t1w": one["t1w"], "result": "space-flair_seg-lst.nii.gz"}
    assert np.array_equal(run(one, tmp_path, MASKS, "{flair} {t1w} {folder}", **settings), bright(one))


def test_labels_of_which_one_is_lesion(one, tmp_path):
    found = run(one, tmp_path, LABELS, "{flair} {folder}", result="seg/seg.mgz", labels=[99])
    assert np.array_equal(found, bright(one))
    with pytest.raises(RecontrastError, match=r"seg.mgz: .*values from 41 to 99.*lesions.labels"):
        run(one, tmp_path, LABELS, "{flair} {folder}", result="seg/seg.mgz")


def test_a_place_without_its_image_and_a_name_that_is_not_there(one, tmp_path):
    with pytest.raises(RecontrastError, match=r"uses {t1w}, but the session has no T1w"):
        run(one, tmp_path, MASKS, "{flair} {t1w} {folder}", result="x.nii.gz")
    with pytest.raises(RecontrastError, match=r"wrote no mask.nii.gz"):
        run(one, tmp_path, LABELS, "{flair} {folder}", result="mask.nii.gz")


def test_a_damaged_image_of_a_tool(one, tmp_path):
    with pytest.raises(RecontrastError, match="wrote a damaged image") as caught:
        run(one, tmp_path, DAMAGED, "{flair} {output}")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("[pl].*"))


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ("import os; os.kill(os.getpid(), 9)", MemoryError),
        ("import os; os.kill(os.getpid(), 15)", KeyboardInterrupt),
        ("import sys; sys.exit(137)", MemoryError),
        ("import sys; sys.exit('No space left on device')", OSError),
        ("import sys; sys.exit(3)", RecontrastError),
    ],
)
def test_a_tool_that_was_stopped_has_not_failed(one, tmp_path, script, kind):
    with pytest.raises(kind):
        run(one, tmp_path, script, "{flair} {output}")


def test_an_image_on_another_grid(one, tmp_path):
    image = nib.load(one["flair"])
    small = tmp_path / "small.nii.gz"
    nib.save(image.slicer[:-1], small)
    copy = "import sys, shutil; shutil.copy(*sys.argv[1:])"
    with pytest.raises(RecontrastError, match="has shape"):
        run(one, tmp_path, copy, f"'{small}' {{output}}")
