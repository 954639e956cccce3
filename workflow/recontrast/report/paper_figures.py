"""Where in the report the figures of the study's paper are."""

ON_FIRST_PAGE = {"curves": "#training", "lesion examples": "#lesions"}
PARTS = {"lesions": "#lesions", "profiles": "#profiles"}  # of the page of a session


def paper_figures(
    figures: dict[str, dict], sessions: list[dict], experiments: dict[str, dict], *, examples: bool
) -> list[dict]:
    """Name, what is shown and links of each figure.

    Args:
        figures: name -> `shows`, `experiments` and `session`, as the study has them.
        sessions: of the cohort, with `session`, `page` and `done`; the first that has most of it stands for
            all where the study names none.
        experiments: those of the study, with `target`.
        examples: whether the first page has examples of lesions.

    Returns:
        For each figure `name`, `shows` and `links`, each with `text` and `address`; none where no session has it.
    """
    found = []
    for name, asked in figures.items():
        links = _links(asked, sessions, experiments)
        if asked["shows"] in ON_FIRST_PAGE:
            links = [{"text": "on this page", "address": ON_FIRST_PAGE[asked["shows"]]}]
        if asked["shows"] == "lesion examples" and not examples:
            links = []
        found.append({"name": name, "shows": asked["shows"], "links": links})
    return found


def _links(asked: dict, sessions: list[dict], experiments: dict[str, dict]) -> list[dict[str, str]]:
    wanted = asked["experiments"] or list(experiments)
    pages = [s for s in sessions if s["page"] and asked["session"] in ("", s["session"])]
    made_in = [[name for name in wanted if s["done"].get(name, {}).get("acquired")] for s in pages]
    if not any(made_in):
        return []
    # The first that has most of what is wanted: ablations may have run in one fold alone.
    made = max(made_in, key=len)
    session = pages[made_in.index(made)]
    page = session["page"] + ("?differences=absolute" if asked["shows"] == "absolute difference" else "")
    if asked["shows"] in PARTS:
        return [{"text": session["session"], "address": page + PARTS[asked["shows"]]}]
    if asked["shows"] == "side by side":
        acquired = [name for name, done in session["done"].items() if done["acquired"]]
        targets: dict[str, list[str]] = {}
        for name in acquired:
            targets.setdefault(experiments[name]["target"], []).append(name)
        # An experiment that is alone has nobody beside it.
        places = {t: f"beside-{t}" if len(n) > 1 else f"experiment-{n[0]}" for t, n in targets.items()}
        shown = dict.fromkeys(experiments[name]["target"] for name in made)
        return [{"text": f"{session['session']}, {t}", "address": f"{page}#{places[t]}"} for t in shown]
    return [{"text": f"{session['session']}, {e}", "address": f"{page}#experiment-{e}"} for e in made]
