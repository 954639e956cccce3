"""The report of a made-up study: complete, light, offline, the same every time."""

import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import finished_output
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from recontrast import images, layout, tables
from recontrast.errors import RecontrastError
from recontrast.evaluation.summarize import summarize
from recontrast.report import pictures
from recontrast.report.index import index, result_tables
from recontrast.report.pages import code, number
from recontrast.report.ranks import rank_tables
from recontrast.report.session_page import session_page

VOID = {"meta", "img", "br", "input", "link", "hr"}


class Page(HTMLParser):
    """Reads a page; fails where elements are not closed in order."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.file, self.open, self.links, self.text, self.ids = file, [], [], [], []
        self.feed(file.read_text(encoding="utf-8"))
        assert not self.open, f"{file}: {self.open} not closed"

    def handle_starttag(self, tag, attributes):
        if tag not in VOID:
            self.open.append(tag)
        attributes = dict(attributes)
        self.links += [attributes[key] for key in ("href", "src") if key in attributes]
        self.ids += [attributes["id"]] if "id" in attributes else []
        assert tag != "img" or "alt" in attributes

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"{self.file}: </{tag}>"

    def handle_data(self, data):
        if self.open[-1:] not in (["style"], ["script"]):
            self.text.append(data)


def draw(plan: dict, session: dict, *, viewers: bool = True, **fibres: Path) -> Path:
    """The page of one session of the plan; `fibres` are its files of `anisotropy` and `directions`."""
    own = layout.Session.from_label(session["session"])

    def path(pattern, **wildcards):
        return Path(layout.fill(pattern, own, reference="T1w", entities="", **wildcards))

    names = list(session["experiments"])
    scores = [path(layout.SCORES, experiment=name) for name in names]
    lesions = {source: path(layout.LESION_MASK, source=source) for source in ("acquired", "manual", *names)}
    lesions = {source: file for source, file in lesions.items() if file.exists()}
    session_page(
        session=own.label,
        page=path(layout.SESSION_PAGE),
        contrasts=session["contrasts"],
        images=[path(layout.PREPROC, suffix=contrast) for contrast in session["contrasts"]],
        mask=path(layout.MASK, region="brain"),
        tissue=path(layout.SEGMENTATION),
        experiments=names,
        targets=[plan["experiments"][name]["target"] for name in names],
        synthetic=[path(layout.SYNTHETIC, suffix="FLAIR", experiment=name) for name in names],
        scores=[file for file in scores if file.exists()],
        notes=session["notes"],
        lesions=list(lesions.values()),
        lesion_sources=list(lesions),
        viewers=viewers,
        **fibres,
    )
    return path(layout.SESSION_PAGE)


def build(plan: dict, per_page: int = 50) -> Path:
    """The whole report."""
    images.write_json(layout.PLAN, plan)
    if Path(layout.fill(layout.MASK, layout.Session("01"), reference="T1w", region="brain")).exists():
        for session in plan["sessions"]:
            draw(plan, session)
    page = Path(layout.REPORT)
    index(
        plan=Path(layout.PLAN),
        metrics=Path(layout.METRICS),
        summary=Path(layout.SUMMARY),
        ranks=Path(layout.RANKS),
        statistics=Path(layout.STATISTICS),
        page=page,
        per_page=per_page,
    )
    return page


def digests() -> dict[str, str]:
    files = sorted(file for file in Path("report").rglob("*") if file.is_file())
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A whole report, made once: the output folder and the plan."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("out"))
        plan = finished_output.make_output(3)
        plan["sessions"][0]["notes"] = ["odd & <b>bold</b> note"]
        build(plan)
        yield Path.cwd(), plan


def test_the_methods_section_speaks_of_metrics_of_whole_images(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plan = finished_output.make_output(1, volumes=False)
    scores = pd.read_csv(layout.METRICS, sep="\t", dtype=str)
    printed = scores.iloc[:1].assign(region="image", metric="kim_psnr")
    pd.concat([scores, printed]).to_csv(layout.METRICS, sep="\t", index=False, na_rep="n/a")
    assert "were computed as published" in build(plan).read_text()


def test_pages_lead_with_the_region_and_fold_the_others(finished):
    plan = finished(1)
    scores = pd.read_csv(layout.METRICS, sep="\t", dtype=str, keep_default_na=False)
    printed = scores.iloc[:1].assign(region="image", metric="kim_psnr")
    # Those of the region come last in the file, and first on the page.
    every = pd.concat([scores.assign(region="WM"), printed, scores])
    every.to_csv(layout.METRICS, sep="\t", index=False)
    summarize(metrics=Path(layout.METRICS), table=Path(layout.SUMMARY))
    (file,) = Path("evaluation/sessions").glob("sub-01_desc-fcn_*")
    own = pd.read_csv(file, sep="\t", dtype=str, keep_default_na=False)
    pd.concat([own, own.assign(region="WM"), printed]).to_csv(file, sep="\t", index=False)
    first = build(plan).read_text()
    assert first.index("FLAIR, brain: one participant") < first.index("<summary>WM, image</summary>")
    assert first.index("<summary>WM, image</summary>") < first.index("FLAIR, WM: one participant")
    assert '<th scope="col" class="number">PSNR (dB), Kim</th>' in first
    assert not {"SD", "bootstrap", "Friedman"} & {*re.sub("<[^>]*>", " ", first).split()}
    session = Path(layout.fill(layout.SESSION_PAGE, layout.Session("01"))).read_text()
    assert "image: synthetic against acquired, as defined in the papers." in session
    assert "Gaussian window (SD 1.5 voxels, width 11 voxels) in three dimensions; data range 1" in session
    assert session.index("brain: synthetic against") < session.index("<summary>WM, image</summary>")
    assert session.index("<summary>WM, image</summary>") < session.index("WM: synthetic against")


def test_models_that_hold_images_of_people_are_named(finished):
    plan = finished(1, volumes=False)
    assert "images of people" not in build(plan).read_text()
    card = layout.fill(layout.MODEL_CARD, experiment="fcn", fold="all")
    images.write_json(card, {"sessions": [], "constants": {"contains_images": True}})
    assert "The files of <b>fcn</b>" in build(plan).read_text()


def test_every_page_parses_and_every_link_resolves_inside_the_report(report):
    folder, _ = report
    assert not broken_links(folder / "report")
    pages = sorted(file for file in (folder / "report").rglob("*.html") if "viewer-" not in file.name)
    assert len(pages) == 6  # index, one cohort page, four sessions
    for file in pages:
        page = Page(file)
        assert len(set(page.ids)) == len(page.ids)
        assert not re.search(r"(https?:)?//[a-z]", file.read_text().replace("<!doctype html>", ""))


def broken_links(folder: Path) -> list[str]:
    """Addresses on the pages of a report that lead nowhere, or out of it."""
    found, ids = [], {}
    for file in folder.rglob("*.html"):
        for link in Page(file).links:
            address, _, anchor = unquote(link).partition("#")
            target = (file.parent / address.partition("?")[0]).resolve() if address else file.resolve()
            if link.startswith("data:"):
                continue
            there = target.is_file() and target.is_relative_to(folder.resolve())
            if not there or (anchor and anchor not in ids.setdefault(target, Page(target).ids)):
                found.append(f"{file.name}: {link}")
    return found


def test_pages_and_pictures_are_light(report):
    folder, plan = report
    files = [file for file in (folder / "report").rglob("*") if file.is_file()]
    viewers = [file for file in files if file.name.startswith("viewer-")]
    assert max(file.stat().st_size for file in viewers) < 3_000_000
    own = [file for file in files if file not in viewers]
    assert max(file.stat().st_size for file in own if file.suffix == ".html") < 100_000
    assert sum(file.stat().st_size for file in own) < len(plan["sessions"]) * 500_000
    assert not [file for file in files if file.name.startswith(".")]


def test_a_session_with_the_target_shows_acquired_synthetic_and_difference(report):
    folder, _ = report
    page = Page(folder / "report/sessions/sub-01.html")
    text = " ".join(page.text)
    assert "odd & <b>bold</b> note" in text
    assert "imputed" not in text
    for picture in ("contrast-T1w", "contrast-FLAIR", "acquired-FLAIR", "synthetic-fcn", "difference-fcn"):
        assert f"sub-01/{picture}.webp" in page.links
    sizes = {
        Image.open(folder / "report/sessions" / link).size
        for link in page.links
        if link.startswith("sub-") and not link.endswith(".html")
    }
    assert len(sizes) == 1  # any two can lie on top of each other
    scores = pd.read_csv(folder / "evaluation/sessions/sub-01_desc-fcn_metrics.tsv", sep="\t")
    assert number(scores.set_index("metric").loc["psnr", "value"]) in text


def test_a_session_without_the_target_is_imputed(report):
    folder, _ = report
    page = Page(folder / "report/sessions/sub-03.html")
    assert "imputed: no acquired FLAIR" in " ".join(page.text)
    assert "sub-03/synthetic-fcn.webp" in page.links
    assert not [link for link in page.links if "difference" in link or "acquired-" in link]


def test_the_first_page_says_what_was_done(report):
    folder, _ = report
    text = " ".join(" ".join(Page(folder / "report/index.html").text).split())
    for words in (
        "FLAIR of an ageing cohort",
        "sub-90",
        "is constant",
        "motion <severe> & ghosting",
        "antspyx 0.6.3",
    ):
        assert words in text
    summary = pd.read_csv(folder / layout.SUMMARY, sep="\t").set_index(["experiment", "metric"])
    for key in (("fcn", "psnr"), ("voxels", "ssim")):
        assert f"{number(summary.loc[key, 'mean'])} ± {number(*summary.loc[key, ['sd', 'mean']])}" in text
    cohort = " ".join(Page(folder / "report/cohort-1.html").text)
    assert cohort.count("out of fold") == 6
    assert cohort.count("imputed") == 2


def test_the_first_page_ranks_experiments_of_one_target(report):
    folder, _ = report
    page = Page(folder / "report/index.html")
    assert "tables/ranks.tsv" in page.links
    described = json.loads((folder / "report/tables/ranks.json").read_text())
    assert list(described) == list(pd.read_csv(folder / "report/tables/ranks.tsv", sep="\t"))
    ranks = pd.read_csv(folder / layout.RANKS, sep="\t").set_index(["experiment", "metric"])["mean_rank"]
    text = " ".join(" ".join(page.text).split())
    after = text[text.index("mean rank over participants") :]
    assert after.index("fcn") < after.index("voxels")  # the better one first
    assert f"voxels {ranks['voxels', 'psnr']:.2f}" in after


def test_the_first_page_compares_experiments_in_pairs(report):
    folder, _ = report
    page = Page(folder / "report/index.html")
    assert "tables/statistics.tsv" in page.links
    found = pd.read_csv(folder / layout.STATISTICS, sep="\t").query("metric == 'psnr' and within == 'brain'")
    (pair,) = found.to_dict("records")
    text = " ".join(" ".join(page.text).split())
    after = text[text.index("Mean difference over participants, first minus second") :]
    shown = number(pair["difference"])  # of two people there is no interval
    assert f"{pair['a']} {pair['b']} {pair['n']} {shown} p = {pair['p_holm']:.2g}" in after


def test_ranks_of_nobody_are_no_table(tmp_path):
    columns = "target\tmetric\tregion\texperiment\tn\tmean_rank\tfriedman_p\n"
    rows = [
        f"FLAIR\tpsnr\t{region}\t{name}\t{n}\t{rank}\t0.04\n"
        for region, n in (("brain", 3), ("GM", 0))
        for name, rank in (("a", "2" if n else "n/a"), ("b", "1" if n else "n/a"))
    ]
    (tmp_path / "ranks.tsv").write_text(columns + "".join(rows))
    (table,) = rank_tables(tmp_path / "ranks.tsv", "brain", dict.fromkeys("abc", "FLAIR"))
    assert [row["experiment"] for row in table["rows"]] == ["b", "a"]
    assert [row["best"] for row in table["rows"]] == [["psnr"], []]
    assert (table["n"], table["unranked"]) == ("3", ["c"])
    assert rank_tables(tmp_path / "ranks.tsv", "GM", {}) == []


def test_no_rank_is_the_best_where_all_are_equal(finished):
    plan = finished(1, volumes=False)
    assert "the best of each column in bold" in build(plan).read_text()
    ranks = pd.read_csv(layout.RANKS, sep="\t", dtype=str, keep_default_na=False)
    ranks.assign(mean_rank="1.5").to_csv(layout.RANKS, sep="\t", index=False)
    assert "the best of each column in bold" not in build(plan).read_text()
    (table,) = rank_tables(Path(layout.RANKS), "brain", {})
    assert [row["best"] for row in table["rows"]] == [[], []]


def test_who_is_not_ranked_is_named_on_the_first_page(finished):
    plan = finished(1, volumes=False)
    assert "Not ranked" not in build(plan).read_text()
    ranks = pd.read_csv(layout.RANKS, sep="\t", dtype=str, keep_default_na=False)
    ranks[ranks["experiment"] == "fcn"].to_csv(layout.RANKS, sep="\t", index=False)
    assert re.search(r"Not ranked, because [^.]*: voxels\.", build(plan).read_text())


def test_the_first_page_says_what_many_sessions_lack_once(finished):
    plan = finished(120, volumes=False)
    for session in plan["sessions"]:
        session["notes"] = ["fcn: not possible without T2w"]
    plan["sessions"][0]["notes"] = []
    page = Page(build(plan))
    text = " ".join(" ".join(page.text).split())
    assert text.count("fcn: not possible without T2w") == 1
    assert "not possible without T2w 120 sub-02_ses-1, sub-02_ses-2, sub-03" in text
    assert "and 100 more" in text
    assert "#left-out" in page.links


def test_many_experiments_do_not_fill_the_first_screen(finished):
    plan = finished(1, volumes=False)
    one = plan["experiments"]["fcn"]
    lead = lambda: " ".join(Page(build(plan)).text)  # noqa: E731
    plan["experiments"] |= {f"E{number}": one for number in range(20)}
    assert lead().count("T1w → FLAIR by patch_to_voxel, fcn3d") == 1
    names = ("T1w", "T2w", "PDw", "DIR", "T1SE")
    plan["experiments"] |= {f"E{number}": one | {"inputs": [name]} for number, name in enumerate(names)}
    assert "FLAIR from 5 sets of inputs by patch_to_voxel, fcn3d" in lead()


def test_session_pages_know_their_order_from_a_file_of_the_index(report):
    folder, plan = report
    script = (folder / "report/sessions.js").read_text()
    order = json.loads(script.removeprefix("window.sessions = ").rstrip(";\n"))
    assert order == [session["session"] for session in plan["sessions"]]


def test_a_report_made_again_has_the_same_bytes(finished):
    plan = finished(1)
    build(plan)
    before = digests()
    build(plan)
    assert digests() == before


def test_a_cohort_is_split_into_pages_and_old_ones_go(finished):
    plan = finished(120, volumes=False)
    page = build(plan)
    cohort = sorted(page.parent.glob("cohort-*.html"))
    assert [file.name for file in cohort] == ["cohort-1.html", "cohort-2.html", "cohort-3.html"]
    rows = [file.read_text().count('<th scope="row">') for file in cohort]
    assert rows == [50, 50, 21]  # sub-02 has two sessions
    assert "cohort-3.html" in Page(cohort[1]).links
    build(plan, per_page=100)
    assert len(list(page.parent.glob("cohort-*.html"))) == 2


def test_odd_labels_are_escaped(finished):
    plan = finished(1)
    odd = "<script>alert('&')</script>"
    plan["study"]["report"]["title"] = plan["sessions"][0]["dataset"] = plan["failed"][0]["reason"] = odd
    plan["sessions"][0]["notes"] = [odd]
    page = build(plan)
    for file in (page, page.parent / "cohort-1.html", page.parent / "sessions/sub-01.html"):
        assert "<script>alert" not in file.read_text()
        assert odd in "".join(Page(file).text)


def test_a_study_in_which_nothing_could_be_done_still_has_a_report(finished):
    plan = finished(0, volumes=False)
    plan["experiments"] = {}
    text = " ".join(Page(build(plan)).text)
    assert "There are no scores" in text
    assert "No session could be prepared" in text


def test_old_pictures_go_and_a_failed_page_leaves_nothing(finished):
    plan = finished(1)
    session = plan["sessions"][0]
    page = draw(plan, session)
    (page.with_suffix("") / "stale.webp").write_text("")
    draw(plan, session)
    assert not (page.with_suffix("") / "stale.webp").exists()
    page.unlink()
    wrong = layout.fill(layout.PREPROC, layout.Session("01"), reference="T1w", entities="", suffix="FLAIR")
    volume = np.random.default_rng(0).random((8, 8, 8)).astype(np.float32)
    images.write(wrong, volume, finished_output.nib.Nifti1Image(volume, np.eye(4)))
    with pytest.raises(RecontrastError, match="FLAIR"):
        draw(plan, session)
    assert not page.exists()
    assert not list(page.parent.glob(".partial*"))


def test_names_and_files_must_agree(tmp_path):
    with pytest.raises(RecontrastError, match="differ in number"):
        session_page(session="sub-01", page=tmp_path / "p.html", contrasts=["T1w"], images=[], mask=tmp_path)


def test_the_best_is_the_highest_or_the_lowest_among_equals():
    rows = [("a", "psnr", 20), ("a", "mse", 0.2), ("b", "psnr", 22), ("b", "mse", 0.3), ("c", "psnr", 30)]
    rows += [("a", "ssim", 0.9), ("b", "ssim", 0.9)]  # neither is better
    summary = pd.DataFrame(rows, columns=["experiment", "metric", "mean"]).assign(
        region="brain", n="3", sd="0.1"
    )
    experiments = {"a": {"target": "FLAIR"}, "b": {"target": "FLAIR"}, "c": {"target": "T2w"}}
    flair, t2 = result_tables(summary.astype({"mean": str}).to_dict("records"), experiments)
    best = {(r["experiment"], m) for r in flair["rows"] for m, cell in r["cells"].items() if cell["best"]}
    assert best == {("b", "psnr"), ("a", "mse")}
    assert not t2["rows"][0]["cells"]["psnr"]["best"]  # nothing to compare with
    assert (flair["bold"], t2["bold"]) == (True, False)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("24.4651", "24.47"),
        (0.8123, "0.812"),
        ("0.00367", "0.0037"),
        ("n/a", "–"),
        ("inf", "∞"),
        (-0.5, "−0.500"),
        (-0.00001, "0.0000"),
    ],
)
def test_numbers_are_short(value, shown):
    assert number(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [("0.0123", "0.012"), (0.001, "0.001"), (0.0009, "< 0.001"), ("n/a", "–")]
)
def test_p_values_are_short(value, shown):
    assert tables.p_value(value) == shown


def test_code_in_a_note_is_shown_as_code_and_all_else_escaped():
    assert code("set `x: <1>` & run") == "set <code>x: &lt;1&gt;</code> &amp; run"
    assert code("one ` alone") == "one ` alone"


def test_a_caption_speaks_of_bold_only_where_something_is(finished):
    plan = finished(1, volumes=False)
    assert "the best value of each column in bold" in build(plan).read_text()
    summary = pd.read_csv(layout.SUMMARY, sep="\t", dtype=str, keep_default_na=False)
    summary[summary["experiment"] == "fcn"].to_csv(layout.SUMMARY, sep="\t", index=False)
    assert "the best value of each column in bold" not in build(plan).read_text()


def test_tissue_has_the_colours_of_its_legend(tmp_path: Path) -> None:
    template = (Path(pictures.__file__).parent / "templates/session.html").read_text()
    legend = re.findall(r"rgb\((\d+) (\d+) (\d+)\)\"></span> (CSF|grey|white)", template)
    shown = {name: tuple(map(int, colour)) for *colour, name in legend}
    order = {"grey": 1, "white": 2, "CSF": 3}  # as anatomy's segment_tissue and BIDS number them
    assert shown == {name: pictures.TISSUE_COLOURS[index][:3] for name, index in order.items()}


def test_a_mean_over_a_few_people_is_not_the_best_of_a_column():
    experiments = {name: {"target": "FLAIR"} for name in ("all", "whole", "ablation")}
    rows = (("all", 15, 18.9), ("whole", 15, 18.5), ("ablation", 3, 19.0))
    summary = [
        {"experiment": name, "region": "brain", "metric": "psnr", "n": str(n), "mean": str(mean), "sd": "1"}
        for name, n, mean in rows
    ]
    (table,) = result_tables(summary, experiments)
    assert [row["cells"]["psnr"]["best"] for row in table["rows"]] == [True, False, False]
    assert not table["alike"]
    (fewer,) = result_tables(summary[:2], experiments)
    assert fewer["alike"]
