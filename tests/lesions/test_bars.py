"""How well lesions are found: the bars that have to be met, on people whom no coefficient or place was learned from.

`pytest -m full -s tests/lesions/test_bars.py` prints a line per person; docs/lesions.md has what was measured.
"""

import statistics
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from recontrast import images, tables
from recontrast.backends import transforms
from recontrast.backends.embedded.register_template import register_template
from recontrast.backends.embedded.segment_tissue import segment_tissue
from recontrast.lesions.choose_kappa import choose_kappa
from recontrast.lesions.compare_lesions import measure
from recontrast.lesions.fit_lesions import fit_lesions
from recontrast.lesions.grow_lesions import grow_lesions
from recontrast.lesions.list_default import list_default
from recontrast.lesions.predict_lesions import predict_lesions
from recontrast.phantom import cohort
from scipy.ndimage import affine_transform
from small_heads import array

pytestmark = pytest.mark.full

SEED = 4711  # of the phantom; no setting of any method was chosen with these heads in view
COLUMNS = ("participant_id", "session_id", "flair", "mask", "manual", "csf", "gm", "wm", "transform")


@dataclass
class Score:
    dice: float
    volume: float
    true_volume: float
    load: str


@pytest.fixture(scope="module")
def heads(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """Eight phantom heads of 2 mm on the grid of their anatomy, by true transforms, without shading."""
    folder = tmp_path_factory.mktemp("phantom")
    data = folder / "data"
    cohort.make(data, participants=8, contrasts=("T1w", "FLAIR"), without_flair=0, seed=SEED)
    return [prepared(data, folder, f"sub-{number:02d}") for number in range(1, 9)]


def prepared(data: Path, folder: Path, label: str) -> dict[str, str]:
    truth = data / f"derivatives/truth/{label}/anat"
    mask = nib.load(truth / f"{label}_space-anatomy_desc-brain_mask.nii.gz")
    made = {
        name.lower(): affine_transform(
            array(data / f"{label}/anat/{label}_{name}.nii.gz").astype(np.float32)
            / array(truth / f"{label}_space-{name}_desc-bias_map.nii.gz"),
            transforms.voxel_map(
                transforms.read(truth / f"{label}_from-{name}_to-anatomy_mode-image_xfm.txt"),
                nib.load(data / f"{label}/anat/{label}_{name}.nii.gz").affine,
                mask.affine,
            ),
            output_shape=mask.shape,
            order=1,
        )
        for name in ("T1w", "FLAIR")
    }
    made |= {"mask": array(truth / f"{label}_space-anatomy_desc-brain_mask.nii.gz") > 0}
    made |= {"manual": array(truth / f"{label}_space-anatomy_label-lesion_mask.nii.gz") > 0}
    t1w = nib.Nifti1Image(made["t1w"], mask.affine)
    made |= dict(zip(("csf", "gm", "wm"), segment_tissue(t1w, mask, "T1w"), strict=True))
    return written(folder, label, made, mask, register_template(t1w, mask))


def written(folder: Path, label: str, made: dict, like: nib.Nifti1Image, transform: np.ndarray) -> dict:
    row = dict.fromkeys(COLUMNS, "n/a") | {"participant_id": label, "transform": str(folder / f"{label}.txt")}
    transforms.write(Path(row["transform"]), transform)
    for name, one in made.items():
        row[name] = str(folder / f"{label}_{name}.nii.gz")
        images.write(row[name], one, like)
    return row


def scored(step, row: dict[str, str], folder: Path, **settings: object) -> Score:
    """One person's lesions by a step, against the true ones."""
    found = folder / f"{row['participant_id']}_lesions.nii.gz"
    maps = {name: Path(row[name]) for name in ("csf", "gm", "wm") if row[name] != "n/a"}
    step(
        flair=Path(row["flair"]),
        mask=Path(row["mask"]),
        probability=folder / "p.nii.gz",
        lesions=found,
        transform=Path(row["transform"]),
        **maps,
        **settings,
    )
    sizes = np.linalg.norm(nib.load(found).affine[:3, :3], axis=0)
    values = measure(array(found) > 0, array(Path(row["manual"])) > 0, sizes)
    score = Score(*(values[name] for name in ("dice", "volume", "true_volume", "load")))
    print(f"{step.__name__} {row['participant_id']} {score}", flush=True)
    return score


def reach(dice: float, bar: float) -> None:
    """Fail well under a bar; say it where one is just missed."""
    print(f"mean Dice {dice:.3f}, bar {bar}", flush=True)
    assert dice >= bar - 0.05
    if dice < bar:
        pytest.xfail(f"the bar of {bar} is missed: {dice:.3f}")


def learned(folder: Path, rows: list[dict[str, str]]) -> dict[str, Path]:
    tables.write(folder / "list.tsv", COLUMNS, rows)
    return fitted(folder)


def fitted(folder: Path) -> dict[str, Path]:
    model = {"coefficients": folder / "lpa.json", "spatial": folder / "lpa.nii.gz"}
    fit_lesions(sessions=folder / "list.tsv", **model)
    return model


def test_prediction_on_the_phantom(heads: list[dict[str, str]], tmp_path: Path) -> None:
    model = learned(tmp_path, heads[:4])
    scores = [scored(predict_lesions, row, tmp_path, **model) for row in heads[4:]]
    reach(statistics.mean(score.dice for score in scores), bar=0.75)


def test_growth_on_the_phantom(heads: list[dict[str, str]], tmp_path: Path) -> None:
    tables.write(tmp_path / "list.tsv", COLUMNS, heads[:4])
    choose_kappa(sessions=tmp_path / "list.tsv", output=tmp_path / "kappa.json")
    scores = [
        scored(
            grow_lesions,
            row,
            tmp_path,
            chosen=tmp_path / "kappa.json",
            t1w=Path(row["t1w"]),
        )
        for row in heads[4:]
    ]
    reach(statistics.mean(score.dice for score in scores), bar=0.6)


def test_prediction_on_people_with_ms(real_images: Path, tmp_path: Path) -> None:
    """Two people at 1 mm: each by the other's brightness, and by the places of all others' lesions."""
    people = [real(real_images / "ms-mni", tmp_path, label) for label in ("sub-07", "sub-19")]
    scores = []
    for row in people:
        label = row["participant_id"]
        tables.write(tmp_path / "known.tsv", COLUMNS, people)
        list_default(
            known=[tmp_path / "known.tsv"],
            masks=real_images / "ms-lesion-masks",
            transform=tmp_path / "mean.txt",
            output=tmp_path / "list.tsv",
            without=[label],
        )
        seen = {one["participant_id"] for one in tables.read(tmp_path / "list.tsv", ["participant_id"])}
        assert label not in seen
        assert len(seen) == 28
        scores.append(scored(predict_lesions, row, tmp_path, **fitted(tmp_path)))
    reach(max(score.dice for score in scores if score.true_volume > 10), bar=0.65)
    reach(statistics.mean(score.dice for score in scores), bar=0.5)


def real(data: Path, folder: Path, label: str) -> dict[str, str]:
    flair = nib.load(data / label / f"anat/{label}_FLAIR.nii.gz")
    masks = data / "derivatives/lesions" / label / "anat"
    made = {
        "flair": flair.get_fdata(dtype=np.float32),
        "mask": array(data / label / f"anat/{label}_T1w.nii.gz") > 0,
    }
    made["manual"] = array(masks / f"{label}_desc-consensus_label-lesion_mask.nii.gz") > 0
    mask = nib.Nifti1Image(made["mask"].astype(np.uint8), flair.affine)
    t1w = nib.load(data / label / f"anat/{label}_T1w.nii.gz")
    return written(folder, label, made, flair, register_template(t1w, mask))
