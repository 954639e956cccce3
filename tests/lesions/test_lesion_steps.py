"""The steps on small heads whose lesions are known."""

import json

import nibabel as nib
import numpy as np
import pytest
from recontrast import images, tables
from recontrast.columns import SCORES
from recontrast.errors import RecontrastError
from recontrast.lesions.choose_kappa import choose_kappa
from recontrast.lesions.compare_lesions import compare_lesions
from recontrast.lesions.describe_lesions import describe_lesions
from recontrast.lesions.fill_lesions import fill_lesions
from recontrast.lesions.fit_lesions import fit_lesions
from recontrast.lesions.grow_lesions import grow_lesions
from recontrast.lesions.predict_lesions import predict_lesions
from recontrast.lesions.run_external import run_external
from recontrast.lesions.summarize_lesions import summarize_lesions
from recontrast.masks import dice
from small_heads import affine, array, changed, head, listed


@pytest.fixture(scope="module")
def heads(tmp_path_factory):
    folder = tmp_path_factory.mktemp("heads")
    return [head(folder, seed) for seed in (1, 2, 3)]


@pytest.fixture(scope="module")
def fitted(heads, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fitted")
    model = {"coefficients": folder / "lpa.json", "spatial": folder / "lpa.nii.gz"}
    fit_lesions(sessions=listed(folder / "list.tsv", heads[:2]), **model)
    return model


def found_by(step, one, folder, **settings):
    out = {"probability": folder / "p.nii.gz", "lesions": folder / "l.nii.gz"}
    step(flair=one["flair"], mask=one["mask"], **out, **settings)
    return array(out["lesions"]) > 0


def maps(one):
    return {name: one[name] for name in ("csf", "gm", "wm")}


def test_growth_finds_lesions_and_more_with_a_smaller_kappa(heads, tmp_path):
    one = heads[2]
    settings = {"t1w": one["t1w"], **maps(one)}
    few, many = (found_by(grow_lesions, one, tmp_path, kappa=kappa, **settings) for kappa in (1.0, 0.1))
    assert dice(many, array(one["manual"]) > 0) > 0.7
    assert few.sum() < many.sum()
    assert images.sidecar(tmp_path / "l.nii.gz").is_file()


def test_kappa_is_the_best_of_the_sweep(heads, tmp_path):
    choose_kappa(sessions=listed(tmp_path / "list.tsv", heads[:1]), output=tmp_path / "kappa.json")
    chosen = json.loads((tmp_path / "kappa.json").read_text())
    scores = chosen["mean_dice"]
    assert scores[f"{chosen['kappa']:g}"] == max(scores.values()) > 0.7
    assert len(scores) == 20


def test_prediction_on_a_person_it_never_saw(heads, fitted, tmp_path):
    mine = found_by(predict_lesions, heads[2], tmp_path, **fitted)
    assert dice(mine, array(heads[2]["manual"]) > 0) > 0.7
    again = tmp_path / "again"
    found_by(predict_lesions, heads[2], again, **fitted)
    assert (again / "p.nii.gz").read_bytes() == (tmp_path / "p.nii.gz").read_bytes()


def test_lesions_end_at_the_contour_that_the_fit_was_asked_for(heads, tmp_path):
    model = {"coefficients": tmp_path / "lpa.json", "spatial": tmp_path / "lpa.nii.gz"}
    sessions = listed(tmp_path / "list.tsv", heads[:1])
    fit_lesions(sessions=sessions, contour=0.9, **model)
    bright = found_by(predict_lesions, heads[2], tmp_path, **model)
    facts = json.loads(model["coefficients"].read_text())
    model["coefficients"].write_text(json.dumps(facts | {"contour": 0.0}))
    whole = found_by(predict_lesions, heads[2], tmp_path, **model)
    assert bright.any()
    assert (whole & ~bright).sum() > 0.2 * whole.sum()
    flair = array(heads[2]["flair"])
    assert flair[whole & ~bright].mean() < flair[bright].mean()
    with pytest.raises(RecontrastError, match=r"1\.5 is not a fraction"):
        fit_lesions(sessions=sessions, contour=1.5, **model)


def test_units_of_an_image_do_not_matter(heads, fitted, tmp_path):
    one = heads[2]
    scaled = one | {"flair": changed(one["flair"], tmp_path / "scaled.nii.gz", lambda data: data * 0.013)}
    same, other = (found_by(predict_lesions, who, tmp_path, **fitted) for who in (one, scaled))
    assert dice(same, other) > 0.999


def test_published_features_and_tissue_features(heads, tmp_path):
    for features in ("lst", "tissue"):
        model = {"coefficients": tmp_path / f"{features}.json", "spatial": tmp_path / f"{features}.nii.gz"}
        fit_lesions(sessions=listed(tmp_path / "list.tsv", heads[:2]), features=features, **model)
        found = found_by(predict_lesions, heads[2], tmp_path, **model, **maps(heads[2]))
        assert dice(found, array(heads[2]["manual"]) > 0) > 0.5, features
    with pytest.raises(RecontrastError, match="need tissue maps"):
        found_by(predict_lesions, heads[2], tmp_path, **model)


def test_no_lesions_are_a_result(heads, fitted, tmp_path):
    healthy = head(tmp_path, 4, lesions=1, bright=1.0)
    nothing = changed(healthy["manual"], tmp_path / "empty.nii.gz", np.zeros_like)
    volume = found_by(predict_lesions, healthy, tmp_path, **fitted).sum() * 0.027
    assert volume < 2
    grown = found_by(grow_lesions, healthy, tmp_path, t1w=healthy["t1w"], kappa=0.5, **maps(healthy))
    assert not grown.any()
    ill = found_by(grow_lesions, heads[2], tmp_path, t1w=heads[2]["t1w"], kappa=0.5, **maps(heads[2]))
    assert ill.any()
    describe_lesions(lesions=nothing, mask=healthy["mask"], output=tmp_path / "table.tsv")
    assert tables.read(tmp_path / "table.tsv", ["number"])[0]["number"] == "0"
    compare_lesions(
        found=nothing, truth=nothing, mask=healthy["mask"], output=tmp_path / "c.tsv", participant="4"
    )
    rows = {row["metric"]: row["value"] for row in tables.read(tmp_path / "c.tsv", ["metric", "value"])}
    assert (rows["lesion_dice"], rows["lesion_sensitivity"], rows["lesion_load"]) == ("1", "n/a", "none")


def test_regions_of_lesions_placed_by_hand(heads, tmp_path):
    centres = {  # mm in the template
        "periventricular": (-24, -38, 22),
        "juxtacortical": (-44, -10, 48),
        "infratentorial": (0, -30, -32),
        "deep": (-28, 2, 28),
    }
    data = np.zeros(array(heads[0]["mask"]).shape, np.uint8)
    for centre in centres.values():
        i, j, k = np.round(np.linalg.inv(affine()) @ [*centre, 1]).astype(int)[:3]
        data[i, j, k] = 1
    nib.save(nib.Nifti1Image(data, affine()), tmp_path / "placed.nii.gz")
    describe_lesions(lesions=tmp_path / "placed.nii.gz", mask=heads[0]["mask"], output=tmp_path / "table.tsv")
    rows = tables.read(tmp_path / "table.tsv", ["region", "number", "volume", "largest"])
    assert {row["region"]: row["number"] for row in rows} == {"all": "4"} | dict.fromkeys(centres, "1")
    assert float(rows[0]["volume"]) == pytest.approx(4 * 0.027)


def test_what_lies_at_wide_ventricles_is_periventricular(heads, tmp_path):
    """A lesion 10 mm beside the template's ventricle, which the fluid of one of two sessions reaches."""
    lesion, flair = np.zeros(array(heads[0]["mask"]).shape, np.uint8), array(heads[0]["flair"]).copy()

    def box(first, last):
        ends = [np.round(np.linalg.inv(affine()) @ [*place, 1]).astype(int)[:3] for place in (first, last)]
        return tuple(slice(min(pair), max(pair) + 1) for pair in zip(*ends, strict=True))

    lesion[box((-20, 4, 26), (-20, 4, 26))] = 1
    nib.save(nib.Nifti1Image(lesion, affine()), tmp_path / "placed.nii.gz")
    flair[box((-8, 2, 22), (-17, 6, 28))] = 0
    nib.save(nib.Nifti1Image(flair, affine()), tmp_path / "wide.nii.gz")
    for image, region in ((heads[0]["flair"], "deep"), (tmp_path / "wide.nii.gz", "periventricular")):
        describe_lesions(
            lesions=tmp_path / "placed.nii.gz",
            mask=heads[0]["mask"],
            output=tmp_path / "table.tsv",
            flair=image,
        )
        rows = tables.read(tmp_path / "table.tsv", ["region", "number"])
        assert {row["region"] for row in rows if row["number"] == "1"} == {"all", region}


def test_filled_lesions_look_like_white_matter(heads, tmp_path):
    one = heads[0]
    fill_lesions(t1w=one["t1w"], lesions=one["manual"], mask=one["mask"], output=tmp_path / "t1w.nii.gz")
    before, after, lesions = array(one["t1w"]), array(tmp_path / "t1w.nii.gz"), array(one["manual"]) > 0
    assert np.array_equal(before[~lesions], after[~lesions])
    assert before[lesions].mean() < 700
    assert after[lesions].mean() == pytest.approx(1000, rel=0.06)


def shifted(path, to):
    image = nib.load(path)
    moved = image.affine.copy()
    moved[0, 3] += 5
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), moved), to)
    return to


def test_bad_input_in_one_line(heads, fitted, tmp_path):
    one = heads[0]
    settings = {"t1w": one["t1w"], **maps(one)}
    rng = np.random.default_rng(0)
    small = changed(
        one["mask"], tmp_path / "small.nii.gz", lambda data: data * (np.cumsum(data).reshape(data.shape) < 40)
    )
    noise = changed(
        one["flair"], tmp_path / "noise.nii.gz", lambda data: 1000 + 30 * rng.standard_normal(data.shape)
    )
    odd = changed(one["manual"], tmp_path / "odd.nii.gz", lambda data: data * 3)
    outside = changed(one["mask"], tmp_path / "outside.nii.gz", lambda data: 1 - data)
    other = shifted(one["t1w"], tmp_path / "other.nii.gz")
    judge = {"mask": one["mask"], "output": tmp_path / "c.tsv", "participant": "1"}
    for match, call in {
        "another grid": lambda: found_by(grow_lesions, one, tmp_path, **settings | {"t1w": other}),
        "but a brain has hundreds": lambda: found_by(
            predict_lesions, one | {"mask": small}, tmp_path, **fitted
        ),
        "one peak": lambda: found_by(predict_lesions, one | {"flair": noise}, tmp_path, **fitted),
        "contains the value 3": lambda: compare_lesions(found=odd, truth=one["manual"], **judge),
        "outside the brain mask": lambda: compare_lesions(found=outside, truth=one["manual"], **judge),
        "belong together": lambda: found_by(
            predict_lesions, one, tmp_path, coefficients=fitted["coefficients"]
        ),
    }.items():
        with pytest.raises(RecontrastError, match=match) as caught:
            call()
        assert "\n" not in str(caught.value)


def test_a_tool_of_the_user_writes_what_we_read(heads, tmp_path):
    one, out = heads[0], {"probability": tmp_path / "p.nii.gz", "lesions": tmp_path / "l.nii.gz"}
    images_of = {"flair": one["flair"], "mask": one["mask"]}
    run_external(command=f"cp {one['manual']} {{output}}", **images_of, **out)
    np.testing.assert_array_equal(array(out["lesions"]), array(one["manual"]))
    for command, problem in {
        "no-such-tool {flair}": "cannot be started",
        "false {flair}": "failed with status 1",
        "true {flair}": "wrote no",
        "cp {flair} {output}": "which are not probabilities",
        "tool {image}": "cannot be read",
    }.items():
        with pytest.raises(RecontrastError, match=problem):
            run_external(command=command, **images_of, **out)


def test_loads_and_total_are_over_the_same_people(tmp_path):
    """Who is in no fold counts in no mean, also where nobody else has so large a load."""
    people = {"1": ("1", 0.5, "small"), "2": ("2", 0.6, "small"), "3": ("all", 0.1, "large")}
    files = []
    for participant, (fold, dice_of, load) in people.items():
        path = tmp_path / f"{participant}.tsv"
        about = {"participant_id": f"sub-{participant}", "session_id": "n/a", "experiment": "Fcn"}
        about |= {"fold": fold, "region": "manual"}
        rows = [("lesion_dice", dice_of), ("lesion_load", load)]
        tables.write(path, SCORES, [about | {"metric": m, "value": v} for m, v in rows])
        files.append({"file": str(path)})
    tables.write(tmp_path / "list.tsv", ["file"], files)
    out = {"scores": tmp_path / "all.tsv", "summary": tmp_path / "summary.tsv"}
    summarize_lesions(listed=tmp_path / "list.tsv", **out)
    found = {row["load"]: row["n"] for row in tables.read(out["summary"], ["load", "n"])}
    assert found == {"all": "2", "small": "2"}
    assert len(tables.read(out["scores"], SCORES)) == 6  # the long table keeps everyone


def test_the_cohort_counts_people_by_load(tmp_path):
    files = []
    for participant, visits in (("1", ((0.8, 3.0), (0.6, 3.0))), ("2", ((0.9, 20.0),))):
        for number, (dice_of, load) in enumerate(visits, start=1):
            path = tmp_path / f"{participant}-{number}.tsv"
            about = {"participant_id": f"sub-{participant}", "session_id": f"ses-{number}"}
            about |= {"experiment": "acquired", "fold": "1", "region": "manual"}
            rows = [("lesion_dice", dice_of), ("lesion_load", "small" if load < 5 else "large")]
            tables.write(path, SCORES, [about | {"metric": m, "value": v} for m, v in rows])
            files.append({"file": str(path)})
    tables.write(tmp_path / "list.tsv", ["file"], files)
    out = {"scores": tmp_path / "all.tsv", "summary": tmp_path / "summary.tsv"}
    summarize_lesions(listed=tmp_path / "list.tsv", **out)
    found = {row["load"]: row for row in tables.read(out["summary"], ["load", "n", "mean"])}
    assert {load: (row["n"], float(row["mean"])) for load, row in found.items()} == {
        "all": ("2", pytest.approx(0.8)), "small": ("1", pytest.approx(0.7)), "large": ("1", 0.9),
    }  # fmt: skip
