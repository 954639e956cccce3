"""Figures that a study asks for, and Snakemake's own report of it: with captions, and without a network."""

import re
import shutil

import pytest
from world import World

CHROMIUM = shutil.which("chromium")


@pytest.mark.full  # the study has to run first
def test_tables_figures_and_first_page_have_captions(world: World) -> None:
    table = {"title": "Quality", "rows": ["psnr", "ssim"], "columns": [{"experiment": "Patch"}]}
    lines = {"middle": {"along": "y"}, "given": {"start": [-30, -20, 0], "end": [40, 20, 0]}}
    world.study(tables={"Quality": table}, evaluation={"maps": ["ssim"], "profiles": lines})
    ran = world.run()
    # Whoever lacks the FLAIR has nothing to compare with.
    assert {job for job in ran if job.startswith(("map_metric", "trace_profile"))} == {
        *(f"map_metric sub-0{n}_space-T1w_map-Patch-ssim" for n in (1, 2, 3)),
        *(f"trace_profile sub-0{n}_line-{line}" for n in (1, 2, 3) for line in lines),
    }
    session = (world.out / "report/sessions/sub-01.html").read_text()
    for picture in ("ssim-Patch-SSIM.webp", "profile-given-FLAIR.svg", "line-middle-FLAIR.webp"):
        assert f"sub-01/{picture}" in session
    # A note changes no number, but what stands below the table, on the first page too.
    world.study(
        tables={"Quality": table | {"note": "Peaks differ."}},
        evaluation={"maps": ["ssim"], "profiles": lines},
    )
    assert {job.split()[0] for job in world.run()} == {"table", "index"}
    assert "<li>Peaks differ.</li>" in (world.out / "report/index.html").read_text()
    done = world.recontrast("run", "--study", "study.yaml", "--", "--report", str(world.root / "report.html"))
    assert done.returncode == 0, done.stderr
    page = (world.root / "report.html").read_text()
    for words in (
        "Table Quality of the study",  # rendered with its wildcard
        "Every metric by experiment and region",
        "Pairwise comparisons of experiments with the same target",
        "The first page of Recontrast",
        "losses by epoch",
        "losses-Patch",
    ):
        assert words in page
    assert not re.search(r"<(script|link|img)[^>]*(src|href)=.https?:", page)
    if CHROMIUM:
        opened(page=(world.root / "report.html").as_uri())


def opened(page: str) -> None:
    """Open the report in a browser that is offline: it shows its categories, and nothing goes wrong."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context, wrong = browser.new_context(offline=True), []
        view = context.new_page()
        view.on("pageerror", lambda error: wrong.append(str(error)))
        view.on("requestfailed", lambda request: wrong.append(request.url))
        view.goto(page)
        for category in ("Tables", "Figures", "Report"):
            assert view.get_by_text(category, exact=True).count()
        browser.close()
        assert not wrong
