"""A report clicked through in a real browser: every page loads, nothing fails, flicker and viewer work."""

import shutil
import time

import pandas as pd
import pytest
from recontrast import layout
from test_pages import build, finished_output

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


def test_the_first_page_of_many_sessions_opens_at_once(watched, tmp_path, monkeypatch):
    page, wrong = watched
    monkeypatch.chdir(tmp_path)
    plan = finished_output.make_output(1)
    one, scores = plan["sessions"][0], pd.read_csv(layout.METRICS, sep="\t", dtype=str)
    plan["sessions"] = [
        one | {"session": f"sub-{number:03d}", "participant_id": f"sub-{number:03d}"}
        for number in range(1, 201)
    ]
    every = [scores.assign(participant_id=session["participant_id"]) for session in plan["sessions"]]
    pd.concat(every).to_csv(layout.METRICS, sep="\t", index=False, na_rep="n/a")
    shutil.rmtree("sub-01", ignore_errors=True)  # pictures of single sessions are not asked for here
    index = build(plan).absolute()
    begun = time.perf_counter()
    page.goto(index.as_uri(), wait_until="load")
    assert page.locator("h1").is_visible()
    assert (
        time.perf_counter() - begun < 10
    )  # a bound that no machine misses; two seconds where nothing else runs
    pages = [file for file in index.parent.rglob("*") if file.is_file()]
    assert max(file.stat().st_size for file in pages) < 3_000_000
    assert not [line for line in wrong if "sessions/" not in line]
