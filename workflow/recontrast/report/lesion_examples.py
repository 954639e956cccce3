"""Sessions in which lesions on a synthetic image agree best and worst with those on the acquired one."""

from pathlib import Path

from .. import tables
from ..lesion_words import source
from .overlays import ACQUIRED, MANUAL, lesion_pictures


def lesion_examples(scores: Path, sessions: list[dict], folder: Path) -> list[dict]:
    """The pictures of the highest and the lowest Dice of every experiment, as in Wei 2019, Figure 5.

    Sessions without lesions on the acquired image, which agree best where nothing is found, are shown only if all are.

    Args:
        scores: the long table of lesion comparisons.
        sessions: of the cohort, with `session`, `participant_id`, `session_id` and `page`.
        folder: of the report, where the pages of sessions have left their pictures.

    Returns:
        For each experiment `experiment` and `shown`: one or two sessions with `dice`, `session`, `page` and
        `pictures` (each with `name`, `picture` and `top`, which lies on it).
    """
    pages = {(s["participant_id"], s["session_id"]): s for s in sessions if s["page"]}
    measured: dict[str, dict[str, dict[str, float]]] = {}
    for row in tables.read(
        scores, ["participant_id", "session_id", "experiment", "region", "metric", "value"]
    ):
        session = pages.get((row["participant_id"], row["session_id"]))
        by_image = row["experiment"] != ACQUIRED and row["region"] == ACQUIRED
        if by_image and session:
            values = measured.setdefault(row["experiment"], {}).setdefault(session["session"], {})
            values[row["metric"]] = tables.number(row["value"])
    by_name, examples = {s["session"]: s for s in pages.values()}, []
    for experiment, sessions_measured in measured.items():
        ill = {s: v for s, v in sessions_measured.items() if v.get("lesion_true_volume", 0) > 0}
        chosen = ill or sessions_measured
        ordered = sorted(chosen, key=lambda session: -chosen[session]["lesion_dice"])
        shown = [(chosen[s]["lesion_dice"], by_name[s]) for s in (ordered[0], *ordered[1:][-1:])]
        examples.append(
            {
                "experiment": experiment,
                "shown": [
                    {"dice": dice, "session": session["session"], "page": session["page"]}
                    | {"pictures": _pictures(folder, session["session"], experiment)}
                    for dice, session in shown
                ],
            }
        )
    return examples


def _pictures(folder: Path, session: str, experiment: str) -> list[dict[str, str]]:
    """The acquired and the synthetic image, each without and with lesions; and those of the given mask."""
    wanted = []
    for name in (ACQUIRED, MANUAL, experiment):
        plain, marked = (f"sessions/{session}/{picture}" for picture in lesion_pictures(name))
        wanted += [] if name == MANUAL else [(name, plain, "")]
        wanted.append((source(name) if name == MANUAL else f"lesions on {name}", plain, marked))
    return [
        {"name": name, "picture": picture, "top": top}
        for name, picture, top in wanted
        if (folder / picture).is_file() and (not top or (folder / top).is_file())
    ]
