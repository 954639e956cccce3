"""Two data sets of prepared images in one study: nothing is stripped or registered, people share folds and models."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from scipy import ndimage
from world import World, make

# Prefix of a data set, its grid, and its people, of whom the last of the second lacks FLAIR.
DATASETS = {
    "old": ((14, 16, 12), np.diag([-4.0, 4, 4, 1]), ("01", "02")),
    "new": ((12, 12, 10), np.diag([5.0, 5, 5, 1]), ("01", "02", "03")),
}
LACKING = ("new", "03", "FLAIR")


def brain(folder: Path, participant: str, prefix: str, seed: int) -> None:
    """Stripped T1w, T2w and FLAIR of one person on one grid, in a session where the data set is the second."""
    shape, affine, _ = DATASETS[prefix]
    rng = np.random.default_rng(seed)
    places = (np.indices(shape).T - (np.array(shape) - 1) / 2) / (np.array(shape) / 2.4)
    inside = (places**2).sum(axis=-1).T < 1
    tissue = ndimage.gaussian_filter(rng.normal(size=shape), 1)
    session = ("ses-1",) if prefix == "new" else ()
    for contrast, slope in {"T1w": 60, "T2w": -50, "FLAIR": -30}.items():
        if (prefix, participant, contrast) == LACKING:
            continue
        data = np.where(inside, 300 + slope * tissue / tissue.std(), 0).clip(0)
        name = "_".join([f"sub-{participant}", *session, contrast])
        path = folder.joinpath(f"sub-{participant}", *session, "anat", f"{name}.nii.gz")
        path.parent.mkdir(parents=True, exist_ok=True)
        nib.save(nib.Nifti1Image(data.astype(np.float32), affine), path)
    about = {"Name": prefix, "BIDSVersion": "1.10.0"}
    (folder / "dataset_description.json").write_text(json.dumps(about))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A study of both."""
    root = tmp_path_factory.mktemp("prepared") / "world"
    datasets = [{"path": prefix, "prefix": prefix} for prefix in DATASETS]
    world = make(root, 1, ("T1w",), 0, datasets=datasets, prepare="none", region="foreground")
    for number, (prefix, (*_, people)) in enumerate(DATASETS.items()):
        for person in people:
            brain(root / prefix, person, prefix, seed=10 * number + int(person))
    return world


def test_what_comes_prepared_is_taken_as_it_lies(world: World) -> None:
    ran = world.run()
    steps = {job.split()[0] for job in ran}
    assert {"mask_foreground", "resample", "train", "synthesize", "score", "session_page"} <= steps
    assert not steps & {"correct_bias", "extract_brain", "register", "carry_mask", "register_template"}
    for prefix, (shape, affine, people) in DATASETS.items():
        session = "_ses-1" if prefix == "new" else ""
        for person in people:
            name = f"sub-{prefix}{person}{session}"
            raw = world.root / prefix / f"sub-{person}{session}".replace("_", "/") / "anat"
            acquired = nib.load(raw / f"sub-{person}{session}_T1w.nii.gz")
            made = world.out / name.replace("_", "/") / "anat"
            mask = nib.load(made / f"{name}_space-T1w_desc-foreground_mask.nii.gz")
            synthetic = nib.load(made / f"{name}_space-T1w_desc-Patch_FLAIR.nii.gz")
            prepared = nib.load(made / f"{name}_space-T1w_desc-preproc_T1w.nii.gz")
            assert mask.shape == synthetic.shape == shape
            assert np.allclose(synthetic.affine, affine)
            inside = np.asarray(mask.dataobj) > 0
            assert np.array_equal(inside, acquired.get_fdata() > 0)
            assert np.median(prepared.get_fdata()[inside]) == pytest.approx(1000, rel=1e-3)
            assert np.corrcoef(prepared.get_fdata()[inside], acquired.get_fdata()[inside])[0, 1] > 0.9999
            assert not list(made.glob("*xfm*"))
    metrics = pd.read_csv(world.out / "evaluation/metrics.tsv", sep="\t")
    assert set(metrics["region"]) == {"foreground"}
    assert set(metrics["participant_id"]) == {"sub-old01", "sub-old02", "sub-new01", "sub-new02"}
    roles = pd.read_csv(world.out / "cohort/lists/Patch_fold-all.tsv", sep="\t")
    assert roles.astype(str).apply(lambda column: column.str.contains("sub-old01|sub-new02")).to_numpy().any()
    status = world.recontrast("status", "out")
    assert status.returncode == 0, status.stdout
    assert "not done" not in status.stdout


def test_a_new_image_in_one_data_set_costs_its_person_and_those_who_learn_from_it(world: World) -> None:
    brain(world.root / "new", "03", "new", seed=99)
    ran = world.run()
    units = {"resample sub-new03_ses-1_space-T1w_T1w", "resample sub-new03_ses-1_space-T1w_T2w"}
    assert units <= ran
    assert {job for job in ran if "sub-" in job and "sub-new03" not in job} == set()
    assert not {job for job in ran if job.startswith("train")}


def test_two_data_sets_need_a_prefix_each(world: World) -> None:
    world.study(datasets=[{"path": "old"}, {"path": "new"}])
    done = world.recontrast("plan", "--study", "study.yaml")
    assert done.returncode == 2
    assert "several have the same prefix; give each its own" in done.stderr
