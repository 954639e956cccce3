"""The folder that readers get: blinded, complete, the same for the same seed; and used in a real browser."""

import csv
import json
import shutil

import finished
import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from recontrast import layout, published
from recontrast.config import load_file
from recontrast.errors import RecontrastError
from recontrast.places import ROOT
from recontrast.readers.forms import Form, load
from recontrast.readers.make import make


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return finished.write(tmp_path_factory.mktemp("readers") / "out")


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def study(folder):
    text = (folder / "study.js").read_text()
    return json.loads(text.removeprefix("window.study = ").strip().removesuffix(";"))


def test_nothing_in_the_folder_tells_what_made_an_image(results, tmp_path):
    key = make(results, tmp_path / "pages", load("brain"))
    texts = [p.read_text() for p in (tmp_path / "pages").rglob("*") if p.suffix in (".js", ".html", ".css")]
    names = [p.name for p in (tmp_path / "pages").rglob("*")]
    for secret in (*finished.EXPERIMENTS, "sub-"):
        assert not any(secret in text for text in [*texts, *names])
    assert key.parent == tmp_path
    assert {(row["session"], row["experiment"]) for row in rows(key)} == {
        (f"sub-{n:02d}", name) for n in (1, 2, 3) for name in finished.EXPERIMENTS
    }


def test_who_has_no_acquired_image_is_left_out_only_where_it_is_shown(results, tmp_path, capsys):
    form = load("brain")
    make(results, tmp_path / "compared", form)
    assert (
        "1 of 4 sessions are left out: the form compares with the acquired FLAIR" in capsys.readouterr().out
    )
    shown = [page["beside"] for page in study(tmp_path / "compared")["pages"] if page["kind"] == "rate"]
    assert [set(beside) for beside in shown] == [{"T1w", "FLAIR, acquired"}] * 3
    key = make(results, tmp_path / "alone", form.model_copy(update={"beside": ("inputs",)}))
    assert "left out" not in capsys.readouterr().out
    assert {row["session"] for row in rows(key)} == {f"sub-{n:02d}" for n in (1, 2, 3, 4)}
    with pytest.raises(RecontrastError, match="with an acquired one; use a form"):
        make(finished.write(tmp_path / "out", sessions=1), tmp_path / "none", form)


@pytest.mark.parametrize("sessions", [1, 2])
def test_synthetic_images_of_a_session_share_a_window_and_nothing_is_lost(tmp_path, sessions):
    """That of the acquired image, or where there is none of all synthetic ones together."""
    anat = finished.write(tmp_path / "out", sessions) / "sub-01/anat"
    files = {name: anat / f"sub-01_space-T1w_desc-{name}_FLAIR.nii.gz" for name in finished.EXPERIMENTS}
    images = {name: nib.load(file).get_fdata() for name, file in files.items()}
    images["Patch"] += 200
    nib.save(nib.Nifti1Image(images["Patch"].astype(np.float32), finished.AFFINE), files["Patch"])
    acquired = anat / "sub-01_space-T1w_desc-preproc_FLAIR.nii.gz"
    scale = [nib.load(acquired).get_fdata()] if acquired.is_file() else [*images.values()]
    assert len(scale) == (1 if sessions > 1 else 2)
    inside = np.s_[5:25, 5:30, 3:17]  # the mask
    low, high = np.percentile(np.stack(scale)[:, *inside], (0.5, 99.5))
    key = rows(make(tmp_path / "out", tmp_path / "pages", load("hagiwara2019")))
    for row in (row for row in key if row["session"] == "sub-01"):
        levels = 255 * np.clip((images[row["experiment"]][inside] - low) / (high - low), 0, 1)
        picture = np.asarray(Image.open(tmp_path / f"pages/images/{row['code']}.webp"))[..., 0]
        slices = picture.reshape(14, 31, 26)[:, 3:-3, 3:-3]
        np.testing.assert_allclose(slices, levels.transpose(2, 1, 0)[:, ::-1], atol=0.51)


def test_slices_are_those_that_were_acquired(tmp_path):
    """Sagittal ones: the third axis of the array, which is thick, runs from right to left."""
    sagittal = np.array([[0, 0, -3.0, 0], [2.0, 0, 0, 0], [0, 2.0, 0, 0], [0, 0, 0, 1]])
    make(finished.write(tmp_path / "out", affine=sagittal), tmp_path / "pages", load("brain"))
    (page, *_) = study(tmp_path / "pages")["pages"]
    assert (page["slices"], page["width"], page["height"]) == (14, 20 + 2 * 3, 25 + 2 * 3)
    assert page["aspect"] == pytest.approx(26 / 31, abs=1e-4)


def test_experiments_of_some_folds_are_left_out_unless_they_are_named(tmp_path):
    results = finished.write(tmp_path / "out")
    plan = json.loads((results / layout.PLAN).read_text())
    plan["experiments"]["Forest"]["folds"] = {"1": {}, "2": {}}
    plan["experiments"]["Patch"]["folds"] = {"1": {}}
    (results / layout.PLAN).write_text(json.dumps(plan))

    def rated(name, **asked):
        return {row["experiment"] for row in rows(make(results, tmp_path / name, load("brain"), **asked))}

    assert rated("usual") == {"Forest"}
    assert rated("both", experiments=["Forest", "Patch"]) == {"Forest", "Patch"}
    with pytest.raises(RecontrastError, match="'Tree' makes FLAIR"):
        rated("none", experiments=["Tree"])


def test_what_scoring_needs_lies_beside_the_key_and_is_not_shown(results, tmp_path):
    form = load("brain").model_copy(update={"columns": {"Forest": "Random forest"}})
    about = json.loads(make(results, tmp_path / "pages", form).with_suffix(".json").read_text())
    assert about["Study"] == study(tmp_path / "pages")["study"]
    assert about["Experiments"] == list(finished.EXPERIMENTS)
    assert Form.model_validate(about["Form"]) == form
    assert set(rows(tmp_path / "pages-key.tsv")[0]) == set(about) - {"Study", "Form", "Experiments"}
    assert "Random forest" not in (tmp_path / "pages/study.js").read_text()


def test_every_page_has_its_pictures_and_slices(results, tmp_path):
    make(results, tmp_path / "pages", load("brain"), slices=5)
    pages = study(tmp_path / "pages")["pages"]
    assert [page["kind"] for page in pages] == ["rate"] * 3 + ["pair"] * 3
    for page in pages:
        for code in [*page["images"], *page["beside"].values()]:
            picture = Image.open(tmp_path / f"pages/images/{code}.webp")
            assert picture.size == (page["width"], page["height"] * page["slices"])
    assert page["slices"] == 5


def test_single_images_come_in_random_order_and_alone(results, tmp_path):
    key = {
        row["code"]: row["session"] for row in rows(make(results, tmp_path / "pages", load("hagiwara2019")))
    }
    rated = [page for page in study(tmp_path / "pages")["pages"] if page["kind"] == "rate"]
    assert len(rated) == 8
    assert all(len(page["images"]) == 1 and not page["beside"] for page in rated)
    order = [key[page["images"][0]] for page in rated]
    assert order != sorted(order)


def test_the_seed_decides(results, tmp_path):
    for name, seed in (("one", 1), ("two", 1), ("three", 2)):
        make(results, tmp_path / name, load("brain"), seed=seed)
    one, two, three = ((tmp_path / name / "study.js").read_text() for name in ("one", "two", "three"))
    assert one == two != three


def test_the_forms_of_the_papers():
    kim, hagiwara = load("kim2020"), load("hagiwara2019")
    assert len(kim.categories) == 19
    assert kim.scale == {1: "bad", 2: "poor", 3: "fair", 4: "good", 5: "excellent"}
    assert [category.name for category in hagiwara.categories if category.scale] == [
        "surface hyperintensity", "granular artefacts", "other artefacts",
    ]  # fmt: skip
    assert hagiwara.pairs[0].name == "swelling"
    assert [category.better for category in hagiwara.categories] == ["higher", *["lower"] * 3]
    assert kim.one_scale
    assert not hagiwara.one_scale


@pytest.mark.parametrize("name", ["kim2020", "hagiwara2019"])
def test_a_form_has_the_rows_and_columns_of_its_paper(name):
    """In the order of the study, whose experiments they are."""
    form, study = load(name), load_file(ROOT / f"studies/{name}.yaml")
    experiments = [e for e in study["experiments"] if e in form.columns or e in ("Replica", "Pix2pix")]
    columns = [form.columns.get(experiment, experiment) for experiment in experiments]
    scores = published.load(form.published.scores)["cells"]
    assert [*scores] == [c.printed for c in form.categories] + ([form.overall] if form.one_scale else [])
    assert all([*line] == columns + (["P"] if len(columns) == 2 else []) for line in scores.values())
    if form.published.agreement:
        assert [*published.load(form.published.agreement)["cells"]["ICC"]] == columns


@pytest.mark.parametrize(
    ("content", "problem"),
    [("title: x", "is not a form: scale"), ("a: [", "is not YAML"), (None, "there is no form")],
)
def test_a_bad_form_is_named(tmp_path, content, problem):
    if content:
        (tmp_path / "form.yaml").write_text(content)
    with pytest.raises(RecontrastError, match=problem):
        load(str(tmp_path / "form.yaml"))


def test_a_reader_rates_in_a_browser(results, tmp_path):
    chromium = shutil.which("chromium")
    if not chromium:
        pytest.skip("no chromium: the pages are not tried in a browser")
    from playwright.sync_api import sync_playwright

    make(results, tmp_path / "pages", load("brain"))
    with sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--allow-file-access-from-files"]
        )
        page = browser.new_page()
        errors = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
        page.goto((tmp_path / "pages/index.html").as_uri())
        page.fill("#reader", "Dr A")
        page.click("text=Begin")
        for choice in page.locator("td select").all():
            choice.select_option("4")
        assert "1 of 6 pages answered" in page.inner_text("#progress")
        pixels = "c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]"
        levels = page.locator("canvas").last.evaluate(pixels)
        assert any(0 < level < 255 for level in levels)
        page.reload()  # answers stay, and the reader comes to the first page without any
        assert page.input_value("#reader") == "Dr A"
        page.fill("#reader", "Dr B")  # who has answered nothing yet
        page.click("text=Begin")
        assert "Dr B: 0 of 6" in page.inner_text("#progress")
        page.reload()
        page.fill("#reader", "Dr A")
        page.click("text=Begin")
        assert "Dr A: 1 of 6" in page.inner_text("#progress")
        assert "Page 2 of 6" in page.inner_text("h2")
        while page.locator("#next").is_enabled():
            page.click("#next")
        page.locator("td select").select_option(label="neither")
        with page.expect_download() as download:
            page.click("#save")
        download.value.save_as(tmp_path / "answers.tsv")
        browser.close()
    assert not errors
    saved = rows(tmp_path / "answers.tsv")
    assert {row["reader"] for row in saved} == {"Dr A"}
    assert sum(row["answer"] == "4" for row in saved) == 18  # nine categories of two images
    assert [row["question"] for row in saved if row["answer"] == "neither"] == ["swelling"]
    key = {row["code"] for row in rows(tmp_path / "pages-key.tsv")}
    assert {row["image"] for row in saved} <= key
