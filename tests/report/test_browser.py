"""A report clicked through in a real browser: every page loads, nothing fails, flicker and viewer work."""

import io
import shutil
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from recontrast import layout
from test_pages import Page, broken_links, build, draw, finished_output

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no chromium: the report is not tried in a browser")


@pytest.fixture
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def watched(browser):
    """A page and the list of everything that went wrong on it."""
    page, wrong = browser.new_page(), []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda line: wrong.append(line.text) if line.type == "error" else None)
    # A page that is left while it loads is no failure.
    failed = lambda request: None if "ABORTED" in request.failure else wrong.append(request.url)  # noqa: E731
    page.on("requestfailed", failed)
    return page, wrong


def test_a_report_is_clicked_through(watched, tmp_path, monkeypatch):
    page, wrong = watched
    monkeypatch.chdir(tmp_path)
    index = build(finished_output.make_output(2)).absolute()
    seen, ahead = set(), [index.as_uri()]
    while ahead:
        address = ahead.pop()
        seen.add(address)
        page.goto(address)
        if "viewer-" in address:
            assert page.locator("canvas").count()
            continue
        links = page.eval_on_selector_all("a[href]", "links => links.map(link => link.href.split('#')[0])")
        assert all(link.startswith("file://") for link in links)
        ahead += sorted({link for link in links if link.endswith(".html")} - seen - set(ahead))
    assert sum("/sessions/sub-" in address and "viewer-" not in address for address in seen) >= 2
    assert any("viewer-" in address for address in seen)
    assert not wrong


def test_colour_fa_has_the_size_of_its_column(watched, tmp_path, monkeypatch):
    page, _ = watched
    monkeypatch.chdir(tmp_path)
    plan = finished_output.make_output(1)
    # A series of its own grid, much finer than the contrasts.
    fibres = {"anisotropy": Path("fa.nii.gz"), "directions": Path("vectors.nii.gz")}
    grid = (192, 192, 60)
    anisotropy = np.broadcast_to(np.linspace(0.1, 1, grid[2], dtype=np.float32), grid)
    vectors = np.broadcast_to(np.eye(3, dtype=np.float32).ravel(), (*grid, 9))
    nib.save(nib.Nifti1Image(anisotropy, np.eye(4)), fibres["anisotropy"])
    nib.save(nib.Nifti1Image(vectors, np.eye(4)), fibres["directions"])
    page.goto(draw(plan, plan["sessions"][0], **fibres).absolute().as_uri())
    (fa,) = page.get_by_alt_text("Colour FA").all()
    box, column = fa.bounding_box(), page.locator("main").bounding_box()
    assert box["width"] > 200
    assert box["x"] + box["width"] <= column["x"] + column["width"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    contrast = page.get_by_alt_text("T1w, three planes").first.bounding_box()
    assert box["width"] == pytest.approx(contrast["width"], abs=1)


def test_flicker_alternates_two_pictures(watched, tmp_path, monkeypatch):
    page, wrong = watched
    monkeypatch.chdir(tmp_path)
    build(finished_output.make_output(1))
    page.goto((tmp_path / layout.fill(layout.SESSION_PAGE, session="sub-01")).as_uri())
    pair = page.locator("[data-flicker]").first
    upper, button = pair.locator(".stack img").nth(1), pair.get_by_role("button")
    button.click()
    shown = set()
    for _ in range(20):
        shown.add(upper.evaluate("image => image.style.opacity"))
        page.wait_for_timeout(100)
    assert shown == {"0", "1"}
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    assert not wrong


def test_differences_lose_their_sign(watched, tmp_path, monkeypatch):
    page, wrong = watched
    monkeypatch.chdir(tmp_path)
    plan = finished_output.make_output(1)
    plan["study"]["report"]["figures"] = {
        "Figure 4": {"shows": "absolute difference", "experiments": ["fcn"], "session": ""}
    }
    index = build(plan).absolute()
    assert not broken_links(index.parent)
    page.goto(index.as_uri())
    page.get_by_role("link", name="sub-01, fcn").click()
    section = page.locator("section", has=page.locator("#experiment-fcn"))
    caption = section.get_by_text("Absolute difference")
    assert caption.is_visible()
    assert section.get_by_text("synthetic − acquired").is_hidden()
    pixels = Image.open(io.BytesIO(section.locator(".difference").screenshot())).convert("RGB")
    assert np.ptp(np.asarray(pixels).astype(int), axis=2).max() < 10  # grey
    page.get_by_label("absolute differences").uncheck()
    assert caption.is_hidden()
    pixels = Image.open(io.BytesIO(section.locator(".difference").screenshot())).convert("RGB")
    assert np.ptp(np.asarray(pixels).astype(int), axis=2).max() > 50
    assert not wrong


def test_the_viewer_shows_every_image_and_what_lies_on_top(watched, tmp_path, monkeypatch):
    page, wrong = watched
    monkeypatch.chdir(tmp_path)
    build(finished_output.make_output(1))
    page.goto((tmp_path / layout.fill(layout.SESSION_PAGE, session="sub-01")).as_uri())
    page.get_by_role("link", name="Walk through acquired, synthetic and difference with lesions").last.click()
    canvas = page.locator("canvas")
    assert canvas.evaluate("canvas => canvas.width") > 600
    look = "canvas => canvas.toDataURL()"
    seen = {}
    for group in ("image", "top"):
        for choice in page.locator(f"input[name={group}]").all():
            choice.check()
            seen[group, choice.get_attribute("value")] = canvas.evaluate(look)
    assert len(seen) == 4 + 4
    assert len(set(seen.values())) == len(seen) - 1  # nothing on top of the image that was chosen last
    before = canvas.evaluate(look)
    canvas.click(position={"x": 100, "y": 100})
    assert canvas.evaluate(look) != before
    page.get_by_role("link", name="← Session").click()
    assert page.locator("h1").inner_text() == "sub-01"
    assert not wrong


MANY = 200
STUDY = {f"E{number}": ("fcn3d", "quick") for number in range(1, 25)}  # as many as studies/wei2019.yaml has
LIMIT = 3_000_000


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """The first page of a report on 200 sessions; one has its page, the others stubs of theirs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("many"))
        plan = finished_output.make_output(1)
        one, scores = plan["sessions"][0], pd.read_csv(layout.METRICS, sep="\t", dtype=str)
        page = draw(plan, one, viewers=False)
        labels = [f"sub-{number:03d}" for number in range(2, MANY + 1)]
        for label in labels:
            (page.parent / label).mkdir()
            for small in page.with_suffix("").glob("small-*"):
                shutil.copy(small, page.parent / label)
            (page.parent / f"{label}.html").write_text(f"<!doctype html><title>{label}</title><p>{label}</p>")
        plan["sessions"] += [one | {"session": label, "participant_id": label} for label in labels]
        plan["failed"] *= 40
        every = [scores.assign(participant_id=session["participant_id"]) for session in plan["sessions"]]
        pd.concat(every).to_csv(layout.METRICS, sep="\t", index=False, na_rep="n/a")
        shutil.rmtree("sub-01")  # whose page is there already
        yield build(plan).absolute()


def opened(page, file):
    """Open a page and look at all of it, so that every picture that waits to be seen is loaded."""
    page.goto(file.as_uri(), wait_until="load")
    page.evaluate("""async () => {
        for (let top = 0; top < document.body.scrollHeight; top += innerHeight) {
            scrollTo(0, top);
            await new Promise(requestAnimationFrame);
        }
    }""")
    shown = "[...document.images].filter(image => image.checkVisibility())"
    page.wait_for_function(f"{shown}.every(image => image.complete)")
    assert page.evaluate(f"{shown}.every(image => image.naturalWidth > 0)")
    return set(page.evaluate(f"{shown}.map(image => image.src)"))


def weight(page, file):
    """Bytes of a page and of what it shows."""
    pictures = {url for url in opened(page, file) if not url.startswith("data:")}
    parts = [file, *(Path(unquote(urlsplit(url).path)) for url in pictures)]
    return sum(part.stat().st_size for part in parts)


def seconds_to_open(page, file):
    """The best of three."""
    needed = []
    for _ in range(3):
        page.goto("about:blank")
        begun = time.perf_counter()
        page.goto(file.as_uri(), wait_until="load")
        assert page.locator("h1").is_visible()
        needed.append(time.perf_counter() - begun)
    return min(needed)


def test_a_report_on_many_sessions_opens_soon(watched, many):
    page, wrong = watched
    assert seconds_to_open(page, many) < 10  # a bound that no machine misses
    assert not wrong


@pytest.mark.full
def test_a_report_on_many_sessions_opens_in_two_seconds(watched, many):
    page, _ = watched
    assert seconds_to_open(page, many) < 2
    assert seconds_to_open(page, many.with_name("cohort-1.html")) < 2


def test_pages_on_many_sessions_are_light_and_lead_somewhere(watched, many):
    page, wrong = watched
    assert not broken_links(many.parent)
    cohort = sorted(many.parent.glob("cohort-*.html"))
    links = [link for file in cohort for link in Page(file).links if link.endswith(".html")]
    assert sum(link.startswith("sessions/") for link in links) == MANY
    for file in (many, *cohort):
        assert weight(page, file) < LIMIT
    assert not wrong


@pytest.mark.full
def test_a_session_of_many_experiments_is_light(watched, tmp_path, monkeypatch):
    page, wrong = watched
    monkeypatch.chdir(tmp_path)
    plan = finished_output.make_output(1, experiments=STUDY)
    # Noise in voxels of 1.5 mm, which is heavier than any anatomy.
    random, made = np.random.default_rng(0), None
    for file in sorted(Path("sub-01").rglob("*.nii.gz")):
        image = nib.load(file)
        fine = image.get_fdata().repeat(2, 0).repeat(2, 1).repeat(2, 2)
        kind = np.uint8 if image.get_data_dtype() == np.uint8 else np.float32
        if "_desc-E" in file.name and kind == np.float32 and made:
            shutil.copy(made, file)
            continue
        fine += random.normal(size=fine.shape) * 200 * (fine > 0) if kind == np.float32 else 0
        nib.save(nib.Nifti1Image(fine.astype(kind), image.affine @ np.diag([0.5, 0.5, 0.5, 1])), file)
        made = file if "_desc-E" in file.name and kind == np.float32 else made
    file = draw(plan, plan["sessions"][0], viewers=False).absolute()
    (file.parents[1] / "sessions.js").touch()  # the index's
    assert weight(page, file) < LIMIT
    small = [each.stat().st_size for each in file.with_suffix("").glob("small-*")]
    assert len(small) == 1 + len(STUDY)
    assert 50 * sum(small) < LIMIT - 1_000_000  # a page of the cohort shows those of 50 sessions
    assert not wrong
