"""The documentation agrees with the rules, and its links lead somewhere."""

import re
from pathlib import Path

import pytest
from recontrast import layout

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        file, _, heading = link.partition("#")
        there = (page.parent / file) if file else page
        assert there.exists(), link
        assert not heading or heading in anchors(there), link


def test_the_table_of_resources_is_that_of_the_rules() -> None:
    rules = {}
    for file in (ROOT / "rules").glob("*.smk"):
        for name, body in re.findall(r"^ *rule (\w+):\n(.*?)(?=^ *rule |\Z)", file.read_text(), re.M | re.S):
            if asked := re.search(r"mem_mb=growing\((\d+)\),\s+runtime=growing\((\d+)\)", body):
                rules[name] = (int(asked[1]), int(asked[2]))
    listed = {}
    for line in (ROOT / "docs/cluster.md").read_text(encoding="utf-8").splitlines():
        if row := re.match(r"\| (`\w+`(?:, `\w+`)*) \| (\d+) GB \| (\d+) (h|min) \|", line):
            found = (1000 * int(row[2]), int(row[3]) * (60 if row[4] == "h" else 1))
            listed |= dict.fromkeys(re.findall(r"`(\w+)`", row[1]), found)
    assert listed == rules


def test_every_kind_of_file_that_a_run_leaves_is_listed() -> None:
    page = (ROOT / "docs/outputs.md").read_text(encoding="utf-8")
    patterns = [v for name, v in vars(layout).items() if name.isupper() and isinstance(v, str) and "." in v]
    # The last part that all files of a pattern share; intermediate files and lists are named as folders only.
    endings = {
        re.split(r"[}/]", pattern)[-1]
        for pattern in patterns
        if not pattern.startswith(("work/", "cohort/lists/", "sourcedata/"))
    }
    assert {ending for ending in endings if ending not in page} == set()
