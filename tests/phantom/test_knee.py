"""Kim's simulation: shapes, parameters on their grids, the paper's equations, noise and shifts as asked for."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from recontrast import cli
from recontrast.cohort import bids
from recontrast.errors import RecontrastError
from recontrast.phantom import knee, knee_shapes

FILES = {"T1w": "T1w", "T2w": "T2w", "GRE": "T2starw", "STIR": "acq-stir_T2w"}


def read(folder: Path, name: str) -> np.ndarray:
    path = next(folder.rglob(f"sub-01_{name}.nii.gz"))
    return nib.load(path).get_fdata()


@pytest.fixture(scope="module")
def knees(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two participants without noise."""
    out = tmp_path_factory.mktemp("knees") / "clean"
    knee.make(out, participants=2)
    return out


def test_every_tissue_is_there_in_every_image_and_no_two_images_are_alike(knees):
    for number in (1, 2):
        path = next(knees.rglob(f"sub-{number:02d}_dseg.nii.gz"))
        labels = np.asarray(nib.load(path).dataobj)
        counts = np.array([np.bincount(labels[..., place].ravel(), minlength=11) for place in range(10)])
        assert counts.shape == (10, 11)
        assert counts[:, 1:].min() >= 25
        assert (counts.std(axis=0) > 0).all()
    names = (knees / "derivatives/truth/dseg.tsv").read_text().split()[2:]
    assert names[3::2] == list(knee_shapes.REGIONS)


def test_parameters_lie_on_their_grids_one_tuple_for_each_tissue_of_each_image():
    drawn = knee.tuples(np.random.default_rng(1), 3000)
    pd, t1, t2, t2_star = drawn.values()
    assert (t1 > t2).all()
    assert (t2 > t2_star).all()
    for values, (largest, step) in zip(drawn.values(), knee.GRIDS.values(), strict=True):
        assert values == pytest.approx((values / step).round() * step)
        assert step <= values.min() < values.max() <= largest
    assert pd.mean() == pytest.approx(0.505, abs=0.02)


def test_images_follow_the_equations_of_the_paper(knees):
    labels = read(knees, "dseg")
    pd, t1, t2, t2_star = (read(knees, name) for name in ("PDmap", "T1map", "T2map", "T2starmap"))
    assert not (labels == 0)[pd > 0].any()
    inside = labels > 0
    pd, t1, t2, t2_star = pd[inside], 1000 * t1[inside], 1000 * t2[inside], 1000 * t2_star[inside]
    angle, recovered = np.deg2rad(25), np.exp(-500 / t1)
    expected = {
        "T1w": pd * (1 - np.exp(-522 / t1)) * np.exp(-11 / t2),
        "T2w": pd * (1 - np.exp(-3000 / t1)) * np.exp(-80 / t2),
        "GRE": pd * np.sin(angle) * (1 - recovered) / (1 - np.cos(angle) * recovered) * np.exp(-10 / t2_star),
        "STIR": np.abs(pd * (1 - 2 * np.exp(-220 / t1) + np.exp(-4478 / t1)) * np.exp(-60 / t2)),
    }
    for name, values in expected.items():
        image = read(knees, FILES[name])
        assert image[inside] == pytest.approx(values, rel=1e-4)
        assert not image[~inside].any()
        sidecar = json.loads(next(knees.rglob(f"sub-01_{FILES[name]}.json")).read_text())
        assert sidecar["RepetitionTime"] == {"T1w": 0.522, "T2w": 3, "GRE": 0.5, "STIR": 4.478}[name]


def test_noise_and_shifts_are_as_asked_for_and_the_target_stays(knees, tmp_path):
    knee.make(tmp_path / "shifted", participants=1, shift=2)
    knee.make(tmp_path / "noisy", participants=1, noise=4)
    facts = json.loads(next((tmp_path / "shifted").rglob("sub-01_dseg.json")).read_text())["Shifts"]
    assert {abs(step) for name in ("T1w", "T2w", "GRE") for move in facts[name] for step in move} == {0, 1, 2}
    for name, file in FILES.items():
        clean, moved, noisy = (
            read(folder, file) for folder in (knees, tmp_path / "shifted", tmp_path / "noisy")
        )
        for place, (y, z) in enumerate(facts[name]):
            inner = slice(4, -4)
            assert (np.roll(clean[..., place], (y, z), (0, 1)) == moved[..., place])[inner, inner].all()
        level = clean.max(axis=(0, 1)) * 0.04
        air = read(knees, "dseg")[..., 0] == 0
        # The mean of Rician noise without signal.
        assert noisy[air, 0].mean() == pytest.approx(level[0] * np.sqrt(np.pi / 2), rel=0.05)
        bright = clean > 10 * level
        assert ((noisy - clean) / level)[bright].std() == pytest.approx(1, abs=0.05)
    assert not np.any(facts["STIR"])


def test_variants_are_the_same_knees_and_masks_are_of_their_labels(knees, tmp_path):
    knee.make(tmp_path / "all", participants=1, variants=True)
    entities = {"T1w": "T1w", "T2w": "T2w", "T2starw": "T2starw", "STIR": "T2w"}
    for name, suffix in entities.items():
        stir = "stir" if name == "STIR" else ""
        clean = read(tmp_path / "all", f"acq-stir_{suffix}" if stir else suffix)
        assert (clean == read(knees, f"acq-stir_{suffix}" if stir else suffix)).all()
        bright = clean > 0.4 * clean.max(axis=(0, 1))
        level = np.broadcast_to(clean.max(axis=(0, 1)), clean.shape)[bright]
        for percent in (2, 4, 7):
            noisy = read(tmp_path / "all", f"acq-{stir}noise{percent}_{suffix}")
            assert 100 * ((noisy - clean)[bright] / level).std() == pytest.approx(percent, rel=0.05)
        assert bool(list((tmp_path / "all").rglob(f"*acq-{stir}shift2_{suffix}.nii.gz"))) == (not stir)
    labels = read(tmp_path / "all", "dseg")
    for name, regions in knee.MASKS.items():
        numbers = [1 + knee_shapes.REGIONS.index(region) for region in regions]
        assert (read(tmp_path / "all", f"label-{name}_mask") == np.isin(labels, numbers)).all()


def test_typical_tissues_are_those_of_one_person_and_oedema_is_marrow_that_stir_shows(tmp_path):
    asked = {"participants": 2, "side": 176, "typical": True}
    knee.make(tmp_path / "well", **asked)
    knee.make(tmp_path / "ill", **asked, oedema=1)
    person = {name: tmp_path / f"{name}/derivatives/truth/sub-02" for name in ("well", "ill")}
    labels, before = (
        nib.load(next(person[name].rglob("*_dseg.nii.gz"))).get_fdata() for name in ("ill", "well")
    )
    assert labels.shape == (176, 176, 10)
    swollen = labels == 11
    assert (before[swollen] == 1 + knee_shapes.REGIONS.index("femur")).all()
    assert (before == labels)[~swollen].all()
    assert (swollen.sum(axis=(0, 1)) > 100).all()
    assert (read_mask(person["ill"], "oedema") == swollen).all()
    assert not (read_mask(person["ill"], "bone") & swollen).any()
    assert (tmp_path / "ill/derivatives/truth/dseg.tsv").read_text().splitlines()[-1] == "11\toedema"
    # The other one, and all of this one's tissues, are as in the cohort without oedema.
    for path in (tmp_path / "well").rglob("sub-01*.nii.gz"):
        assert path.read_bytes() == (tmp_path / "ill" / path.relative_to(tmp_path / "well")).read_bytes()
    t1, other = (nib.load(next(person[name].rglob("*_T1map.nii.gz"))).get_fdata() for name in ("ill", "well"))
    assert (t1 == other)[~swollen].all()
    for index in range(1, 12):
        assert np.ptp(t1[labels == index]) == 0
    first = nib.load(next((tmp_path / "ill").rglob("sub-01_T1map.nii.gz"))).get_fdata().max()
    assert first != t1.max() == pytest.approx(3.62, rel=0.07)
    # Fluid is brightest in STIR, oedema brighter than marrow, muscle and cartilage, fat and marrow are dark.
    stir = nib.load(next((tmp_path / "ill").rglob("sub-02_acq-stir_T2w.nii.gz"))).get_fdata()
    level = {
        name: stir[labels == index].mean() for index, name in enumerate((*knee_shapes.REGIONS, "oedema"), 1)
    }
    assert level["fluid"] > 1.5 * level["oedema"]
    assert level["oedema"] > 1.5 * max(level[name] for name in ("femur", "muscle", "cartilage", "fat"))
    assert level["cartilage"] > level["muscle"] > level["femur"]
    assert max(level[name] for name in ("meniscus", "ligament", "tendon")) < 0.1 * level["fluid"]


def read_mask(folder: Path, name: str) -> np.ndarray:
    return nib.load(next(folder.rglob(f"*_label-{name}_mask.nii.gz"))).get_fdata() > 0


@pytest.mark.parametrize(
    "wrong", [{"oedema": 1}, {"typical": True, "oedema": 9}, {"side": 20}, {"typical": True, "oedema": -1}]
)
def test_knees_that_cannot_be_made_are_refused(tmp_path, wrong):
    with pytest.raises(RecontrastError, match="oedema"):
        knee.make(tmp_path / "x", participants=2, **wrong)


def test_same_arguments_same_bytes_and_other_people_change_nothing(knees, tmp_path):
    knee.make(tmp_path / "again", participants=1)
    for path in (tmp_path / "again").rglob("sub-01*.nii.gz"):
        assert path.read_bytes() == (knees / path.relative_to(tmp_path / "again")).read_bytes()
    before = {path: path.stat().st_mtime_ns for path in knees.rglob("*") if path.is_file()}
    knee.make(knees, participants=2)
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())
    with pytest.raises(RecontrastError, match="something other"):
        knee.make(knees, participants=2, noise=2)
    with pytest.raises(RecontrastError, match="0 participants"):
        knee.make(tmp_path / "none", participants=0)


def test_the_command_writes_bids_that_is_read_back(tmp_path):
    cli.phantom(tmp_path / "knees", knee=True, participants=1, noise=2)
    found, problems = bids.scan(tmp_path / "knees")
    assert not problems
    assert sorted(image.path.name for image in found) == sorted(
        f"sub-01_{name}.nii.gz" for name in FILES.values()
    )


@pytest.mark.parametrize("options", [{"noise": 2.0}, {"shift": 1}, {"knee": True, "dicom": True}])
def test_options_of_the_other_phantom_are_refused(tmp_path, options):
    with pytest.raises(RecontrastError, match="knees"):
        cli.phantom(tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()
