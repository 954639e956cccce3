"""The parts of prediction, growth and description, on arrays whose answers are known."""

import itertools
from collections.abc import Callable

import nibabel as nib
import numpy as np
import pytest
from nilearn.datasets import load_mni152_brain_mask, load_mni152_gm_template, load_mni152_wm_template
from recontrast import tables
from recontrast.backends import warps
from recontrast.backends.transforms import FLIP
from recontrast.columns import SCORES
from recontrast.lesions import fit_lesions as fitting
from recontrast.lesions import lga, lpa
from recontrast.lesions.compare_lesions import compare_lesions
from recontrast.lesions.describe_lesions import describe_lesions
from recontrast.lesions.features import Head, brightness, excess, names
from recontrast.lesions.list_default import list_default
from recontrast.lesions.regions import over_tentorium
from recontrast.lesions.template_space import CUBE, SHAPE, Way, from_session, grid, tissue_maps, to_session
from scipy import ndimage, special
from scipy.spatial.transform import Rotation
from small_heads import affine, array, ball, head, listed

BRAIN = 1_500_000  # voxels of 1 mm
SIDES = (20, 20, 10)


def shares_found(true_volume: int) -> tuple[float, float]:
    """How far log-odds move in a head with so many lesion voxels (mm³), and the share of lesion that is found there.

    Lesions are plain; 15 ml of other tissue are doubtful, as everywhere. The fit saw a share of one per cent.
    """
    share = 0.01
    lesion = np.full(true_volume, 4.0)
    doubtful = np.full(15_000, -1.5)
    odds = np.concatenate([lesion, doubtful, np.full(400_000, -12.0)]).astype(np.float32)
    after = lpa.adjusted(odds, BRAIN, share)
    return float(after[0] - odds[0]), float(special.expit(after).sum() / BRAIN)


def test_the_share_of_lesion_is_that_of_the_session():
    few, share_of_few = shares_found(1_000)
    many, share_of_many = shares_found(50_000)
    assert few < 0 < many
    # Towards the share that is found in the end, by the part that it is trusted.
    for shift, share in ((few, share_of_few), (many, share_of_many)):
        assert shift == pytest.approx(lpa.TRUST * (special.logit(share) - special.logit(0.01)), abs=0.02)
    assert share_of_few < 0.005
    assert share_of_many == pytest.approx(50_000 / BRAIN, rel=0.25)


def test_a_session_that_is_like_the_fit_stays_as_it_is():
    odds = np.concatenate([np.full(15_000, 9.0), np.full(100_000, -20.0)]).astype(np.float32)
    assert lpa.adjusted(odds, BRAIN, 0.01) == pytest.approx(odds, abs=0.02)


def sessions_of_unlike_brightness(least: Callable[[float], float]) -> list[lpa.Example]:
    """In each, lesion is what is brighter than `least` of the brightest, which differs from session to session."""
    rng = np.random.default_rng(3)
    columns = names("extended")
    everywhere, coarse = np.ones(SIDES, bool), np.diag([50.0, 50.0, 50.0, 1.0])  # where nothing is smoothed
    made = []
    for brightest in np.linspace(0.5, 1.0, 6):
        bright = np.sort(rng.uniform(0, brightest, everywhere.size)).astype(np.float32)
        seen = np.zeros((bright.size, len(columns)), np.float32)
        seen[:, columns.index("near")] = bright
        how = lpa.Cleaning(everywhere, ~everywhere, bright, coarse)
        lesion = (bright > least(brightest)).reshape(SIDES)
        made.append(lpa.Example(seen, lesion, how, 20_000, 8.0))
    return made


def test_where_a_lesion_ends_is_learned_from_whoever_drew_it():
    def contour(least: Callable[[float], float]) -> float:
        sessions = sessions_of_unlike_brightness(least)
        return lpa.fit(sessions, np.zeros((2, 2, 2)), "extended", 0, {}).contour

    assert contour(lambda brightest: brightest / 2) == 0.5
    assert contour(lambda brightest: 0.3) == 0


def test_a_contour_that_is_given_is_kept():
    sessions = sessions_of_unlike_brightness(lambda brightest: brightest / 2)
    assert lpa.fit(sessions, np.zeros((2, 2, 2)), "extended", 0, {}, 0.3).contour == 0.3


def test_what_is_dim_beside_the_brightest_is_no_lesion():
    bright = np.zeros((24, 24, 24), np.float32)
    bright[4:14, 6:18, 6:18] = 0.6
    bright[14:20, 6:18, 6:18] = 0.2  # likely by its place
    everywhere = np.ones(bright.shape, bool)
    how = lpa.Cleaning(everywhere, ~everywhere, bright.ravel(), np.eye(4))
    probability = (bright > 0).ravel() * np.float32(0.9)
    assert lpa.clean(how, probability, 0.0)[17, 12, 12] > 0.5
    assert lpa.clean(how, probability, 0.5)[17, 12, 12] == 0
    assert lpa.clean(how, probability, 0.5)[8, 12, 12] > 0.5
    # With nothing brighter beside it, the same is lesion.
    alone = (bright == np.float32(0.2)).ravel() * np.float32(0.9)
    assert lpa.clean(how, alone, 0.5)[17, 12, 12] > 0.5


def test_the_cut_suits_the_masks_that_are_written():
    """Cleaning takes from lesions at their edge, which a lower cut gives back."""
    manual = np.zeros(SIDES, bool)
    for i, j in itertools.product((4, 12), repeat=2):
        manual[i : i + 3, j : j + 3, 2:8] = True
    bright = manual + np.random.default_rng(5).normal(0, 0.3, SIDES)
    columns = np.zeros((bright.size, len(names("extended"))), np.float32)
    columns[:, names("extended").index("near")] = bright.ravel()
    everywhere = np.ones(SIDES, bool)
    how = lpa.Cleaning(everywhere, ~everywhere, np.float32(bright).ravel(), np.diag([1.4, 1.4, 1.4, 1]))
    one = lpa.Example(columns, manual, how, manual.size, 8.0)
    model = lpa.fit([one], np.zeros((2, 2, 2)), "extended", 0, {}, 0.0)

    odds = lpa.adjusted(model.log_odds(columns), manual.size, model.share).reshape(SIDES)
    likely = special.expit(odds[..., None] - lpa.CUTS)
    smoothed = ndimage.gaussian_filter(
        np.where(likely < lpa.FAINT, 0, likely), (*[lpa.SMOOTHING / 1.4] * 3, 0), truncate=3
    )
    written, uncleaned = (
        2 * (mask & manual[..., None]).sum((0, 1, 2)) / (mask.sum((0, 1, 2)) + manual.sum())
        for mask in (smoothed >= 0.5, likely >= 0.5)
    )
    (ours,) = written[np.isclose(lpa.CUTS, model.cut)]
    assert ours > written[uncleaned.argmax()] + 0.1
    assert ours == pytest.approx(written.max(), abs=0.01)


def test_a_persons_own_places_are_no_part_of_what_they_are_fitted_with(tmp_path, monkeypatch):
    heads = [head(tmp_path, seed, lesions=2) for seed in (1, 2)]
    seen = []
    monkeypatch.setattr(fitting.lpa, "example", lambda head, lesions, effect, features: seen.append(effect))
    rows = tables.read(listed(tmp_path / "list.tsv", heads), fitting.COLUMNS)
    rows.append(rows[0] | {"session_id": "ses-2"})  # a second visit is no other person
    where = fitting.lesion_maps(rows)
    list(fitting._examples(rows, where, "extended"))
    ours, theirs = (lpa.spatial_effect([where[name]]) for name in ("sub-0", "sub-1"))
    np.testing.assert_allclose(seen[0], theirs)
    np.testing.assert_allclose(seen[1], ours)
    np.testing.assert_allclose(seen[2], theirs)
    assert np.abs(ours - theirs).max() > 1


def test_lesions_under_the_smallest_do_not_count(tmp_path):
    one = head(tmp_path, 1, lesions=1)
    lesions = np.zeros(array(one["mask"]).shape, np.uint8)
    middle = np.argwhere(array(one["mask"]) > 0).mean(axis=0).astype(int)
    i, j, k = middle
    lesions[i, j, k] = 1  # 0.027 ml
    lesions[i + 4 : i + 6, j : j + 2, k] = 1  # 0.108 ml
    nib.save(nib.Nifti1Image(lesions, affine()), tmp_path / "found.nii.gz")
    for smallest, number in ((0.0, "2"), (0.027, "2"), (0.03, "1"), (0.2, "0")):
        describe_lesions(
            lesions=tmp_path / "found.nii.gz", mask=one["mask"], output=tmp_path / "t.tsv", smallest=smallest
        )
        assert tables.read(tmp_path / "t.tsv", ["number"])[0]["number"] == number, smallest


def test_a_seed_needs_two_others_beside_it():
    belief = np.zeros((9, 9, 9), np.float32)
    belief[4, 4, 2:7] = 10  # a line: its ends have one neighbour
    found = lga.seeds(belief, 1.0)
    assert np.array_equal(np.argwhere(found), [[4, 4, 3], [4, 4, 4], [4, 4, 5]])
    assert not lga.seeds(belief, 100.0).any()


def test_grown_lesions_lose_their_holes_and_lone_voxels():
    lesion = ball((10, 10, 10), 4).astype(np.float32)
    lesion[10, 10, 10] = 0.2
    lesion[2, 2, 2] = 0.9
    lesion[20, 20, 20:22] = 0.9
    cleaned = lga.clean(lesion)
    assert cleaned[10, 10, 10] == pytest.approx(1.0)
    assert cleaned[2, 2, 2] == 0
    assert (cleaned[20, 20, 20:22] == np.float32(0.9)).all()


def test_prediction_drops_what_is_faint_alone_or_beside_outer_fluid():
    brain = ball((12, 12, 12), 11)
    shell = brain & ~ball((12, 12, 12), 9)
    fluid, ratio = shell.astype(np.float32), np.where(shell, -0.5, 0.3).astype(np.float32)
    image = nib.Nifti1Image(ratio, np.diag([1.0, 1.0, 1.0, 1.0]))
    part = (slice(None),) * 3
    priors = np.stack([fluid, 0 * fluid, (brain & ~shell).astype(np.float32)])
    one = Head(image, part, brain, Way(np.eye(4)), priors, None, ratio, brain & ~shell)
    probability = np.zeros(brain.shape, np.float32)
    probability[11:14, 11:14, 11:14] = 0.9
    probability[12, 12, 18] = 0.9  # alone; smoothed it is faint
    probability[5:8, 12, 12] = 0.05  # faint from the start
    probability[12, 3:6, 12] = 1.0  # its outer end lies beside the fluid
    how = lpa.cleaning(one)
    cleaned = lpa.clean(how, probability[how.candidates], 0.0)
    assert cleaned[12, 12, 12] > 0.5
    assert cleaned[6, 12, 12] == 0
    assert cleaned[12, 3, 12] == 0
    assert (cleaned[12, 12, 17:20] < lpa.FAINT).all()


@pytest.mark.parametrize(("cerebellum", "spot"), [(1.0, 0.5), (1.2, 0.5), (0.8, 0.2)])
def test_below_the_tentorium_a_lesion_is_measured_by_the_cerebellum_if_that_is_brighter(cerebellum, spot):
    place = np.diag([4.0, 4.0, 4.0, 1.0])
    place[:3, 3] = -60, -90, -70  # in the template's world, from the cerebellum to the crown
    whole, way = np.ones((30, 30, 34), bool), Way(np.eye(4))
    low = over_tentorium(nib.Nifti1Image(whole.astype(np.float32), place), way) < 0
    tissue = 1 + np.random.default_rng(1).normal(0, 0.02, whole.shape)
    data = np.where(low, cerebellum, 1) * tissue
    below, above = (15, 10, 4), (15, 15, 25)
    for middle in (below, above):
        data[tuple(slice(at - 2, at + 3) for at in middle)] *= 1.5
    ratio = (data - 1).astype(np.float32)
    priors = np.stack([0 * ratio, 0 * ratio, 0 * ratio + 1])  # white matter everywhere
    one = Head(nib.Nifti1Image(ratio, place), (slice(None),) * 3, whole, way, priors, None, ratio, whole)
    found = excess(one)
    assert found[below] == pytest.approx(spot, abs=0.05)
    assert found[above] == pytest.approx(0.5, abs=0.05)
    assert (found <= brightness(one) + 1e-6).all()  # never more than it was


def test_contrast_of_true_lesions_in_the_image_on_which_others_were_found(tmp_path):
    one = head(tmp_path, 1)
    compare_lesions(
        found=one["manual"],
        truth=one["manual"],
        mask=one["mask"],
        output=tmp_path / "c.tsv",
        participant="1",
        flair=one["flair"],
        wm=one["wm"],
    )
    rows = {row["metric"]: row["value"] for row in tables.read(tmp_path / "c.tsv", SCORES)}
    for name in ("lesion_ratio1", "lesion_ratio2", "lesion_ratio2_mm"):
        assert float(rows[name]) == pytest.approx(1.6, rel=0.02)


def test_a_mask_beside_itself_has_contrast_and_no_agreement(tmp_path):
    one = head(tmp_path, 1)
    masks = {"found": one["manual"], "truth": one["manual"], "mask": one["mask"]}
    images = {"flair": one["flair"], "wm": one["wm"]}
    output = tmp_path / "c.tsv"
    compare_lesions(**masks, **images, output=output, participant="1", truth_name="acquired")
    ratios = {"lesion_ratio1", "lesion_ratio2", "lesion_ratio2_mm"}
    assert {row["metric"] for row in tables.read(output, SCORES)} == {"lesion_volume", "lesion_load", *ratios}


def test_the_people_of_the_default_are_listed_once(tmp_path):
    heads = [head(tmp_path, seed, lesions=1) for seed in (1, 2)]
    known = listed(tmp_path / "known.tsv", heads)
    transform = tmp_path / "t.txt"
    fitting.inputs.images.write_text(
        transform, "Parameters: 1 0 0 0 1 0 0 0 1 2 4 6\nFixedParameters: 0 0 0\n"
    )
    text = known.read_text().replace("\tn/a\n", f"\t{transform}\n", 1)
    known.write_text(text)
    (tmp_path / "masks").mkdir()
    for who in ("sub-0", "sub-1", "sub-7", "sub-8"):
        array_of = nib.load(heads[0]["manual"])
        nib.save(array_of, tmp_path / f"masks/{who}_label-lesion_mask.nii.gz")
    out = {"transform": tmp_path / "mean.txt", "output": tmp_path / "list.tsv"}
    list_default(known=[known, known], masks=tmp_path / "masks", without=["8"], **out)
    rows = tables.read(out["output"], fitting.COLUMNS)
    assert [(row["participant_id"], row["flair"] != "n/a") for row in rows] == [
        ("sub-0", True), ("sub-1", True), ("sub-7", False),
    ]  # fmt: skip
    assert rows[-1]["transform"] == str(out["transform"])
    assert "2 4 6" in out["transform"].read_text()


def test_a_fit_says_where_it_is_from():
    told = fitting.origin(3, "a database", "CC-BY")
    assert told.keys() == {"source", "licence", "seed", "version"}
    assert fitting.origin(3, "", "").keys() == {"seed", "version"}


def test_the_default_says_where_it_is_from():
    shipped = fitting.fitted.read(None, None).provenance
    assert shipped["licence"] == "CC-BY"
    assert "Lesjak" in shipped["source"]
    assert (shipped["seed"], len(shipped["places"])) == (1, 29)


def test_the_template_is_that_of_nilearns_loaders():
    grey, white, brain = (
        np.asarray(load(resolution=2).dataobj, np.float32)
        for load in (load_mni152_gm_template, load_mni152_wm_template, load_mni152_brain_mask)
    )
    expected = [ndimage.gaussian_filter(one, 1) for one in (np.clip(brain - grey - white, 0, 1), grey, white)]
    maps, affine = tissue_maps()
    np.testing.assert_allclose(maps, expected, atol=1e-6)
    np.testing.assert_array_equal(affine, load_mni152_gm_template(resolution=2).affine)


def test_a_way_that_bends_takes_maps_there_and_back():
    """A ball of the template, 6 mm aside in the session, where the way is a turn and then a bend."""
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("z", 20, degrees=True).as_matrix()
    turn[:3, 3] = (4, -6, 3)  # template to session, ITK's world
    shift = np.array([0.0, 6.0, 0.0])
    field = np.broadcast_to(shift, (*SHAPE, 3)).astype(np.float32)
    way = Way(turn, warps.Warp(field, grid()), warps.Warp(-field, grid()))
    places = np.indices(SHAPE)
    centre = np.array([31, 38, 32])
    sphere = (np.linalg.norm((places.T - centre).T, axis=0) * CUBE < 15).astype(np.float32)
    affine = np.diag([2.2, 2.2, 2.5, 1.0])
    affine[:3, 3] = (-100, -125, -90)
    session = nib.Nifti1Image(np.zeros((90, 110, 80), np.float32), affine)
    carried = to_session(sphere, grid(), session, way)
    middle = np.average(np.indices(carried.shape).reshape(3, -1), axis=1, weights=carried.ravel())
    template = (FLIP @ grid() @ [*centre, 1])[:3] + shift
    np.testing.assert_allclose(
        (FLIP @ session.affine @ [*middle, 1])[:3], (turn @ [*template, 1])[:3], atol=0.1
    )
    back = from_session(carried, session, way)
    assert 2 * ((back > 0.5) & (sphere > 0.5)).sum() / ((back > 0.5).sum() + sphere.sum()) > 0.9
