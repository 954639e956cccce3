"""All that is wrong with a configuration at once, a line each, with the nearest valid name."""

import difflib
import functools
import operator
import re
from collections.abc import Container
from typing import Any, get_args, get_origin

import pydantic

Model = type[pydantic.BaseModel]
Place = tuple[Any, ...]  # the keys and indices that lead to a value of a configuration
KEY = "[key]"  # how pydantic ends the place of a key that is wrong itself
UNKNOWN = ("extra_forbidden", "invalid_key")


def check(model: Model, config: dict) -> tuple[pydantic.BaseModel | None, list[str], dict[Place, bool]]:
    """What of a configuration can be used, and what is wrong with it.

    Returns:
        the model without the values that are wrong, or None where it lacks what it cannot be without; one line a
        mistake; the entries that were left out for the model's sake, and whether their keys are unknown.
    """
    mistakes: dict[str, None] = {}
    gone: dict[Place, bool] = {}
    while True:
        try:
            return model.model_validate(config), list(mistakes), gone
        except pydantic.ValidationError as error:
            wrong = _by_place(model, error.errors(), config)
        mistakes |= {_say(model, place, errors): None for place, errors in wrong.items() if place not in gone}
        # Without what is wrong by itself, the rest can still be checked.
        entries = {_entry(config, place): errors[0]["type"] in UNKNOWN for place, errors in wrong.items()}
        entries.pop((), None)
        if not entries:
            return None, list(mistakes), gone
        config = _without(config, entries)
        gone |= entries


def is_about(model: Model, line: str, gone: list[Place]) -> bool:
    """Whether a contradiction may come of an entry that has gone, so that it is said already."""
    words = {".".join(map(str, place)) for place in gone}
    words |= {str(place[-1]) for place in gone if not _keys_at(model, place[:-1])}
    return any(re.search(rf"(?<![A-Za-z0-9])(Bloch)?{re.escape(w)}(?![A-Za-z0-9])", line) for w in words)


def one_line(text: str) -> str:
    """A text without its line breaks."""
    return " ".join(text.split())


def _by_place(model: Model, errors: list[dict], config: dict) -> dict[Place, list[dict]]:
    """Validation errors by what they are about: all kinds of value that were tried for a key are one mistake."""
    found: dict[Place, list[dict]] = {}
    for error in errors:
        place = error["loc"]
        # A list with a wrong item is also reported as too short: the item says it all.
        within = any(len(e["loc"]) > len(place) and e["loc"][: len(place)] == place for e in errors)
        if error["type"] == "too_short" and within:
            continue
        there = _there(config, place)
        # What is not there: a key that is missing, or that a name alone stands for; else a kind of value.
        further = place[len(there) :][:1]
        if error["type"] == "missing" or {*further} & {KEY, *_keys_at(model, there)}:
            there += further
        found.setdefault(there, []).append(error)
    return found


def _there(config: dict, place: Place) -> Place:
    """A place as far as it leads in a configuration; it may go on, as to a key that is missing."""
    found, inside = [], config
    for part in place:
        if isinstance(inside, dict):
            keys = [key for key in inside if part in (key, repr(key))]  # that is how a key like 1.5 is named
        else:
            keys = [part] if isinstance(inside, list | tuple) and part in range(len(inside)) else []
        if not keys:
            break
        found.append(keys[0])
        inside = inside[keys[0]]
    return tuple(found)


def _entry(config: dict, place: Place) -> Place:
    """The entry that goes with a mistake: a list with a wrong item, and what lacks a key, go as a whole."""
    place = _there(config, place)
    while place and not isinstance(functools.reduce(operator.getitem, place[:-1], config), dict):
        place = place[:-1]
    return place


def _without(value: Any, entries: Container[Place], place: Place = ()) -> Any:
    """A configuration, or what stands at a place in it, without some entries."""
    if isinstance(value, dict):
        inside = {key: (*place, key) for key in value if (*place, key) not in entries}
        return {key: _without(value[key], entries, at) for key, at in inside.items()}
    if isinstance(value, list | tuple):
        return [_without(item, entries, (*place, n)) for n, item in enumerate(value)]
    return value


def _say(model: Model, place: Place, errors: list[dict]) -> str:
    """A mistake in one line, from the validation errors about it."""
    kind, given, context = errors[0]["type"], errors[0]["input"], errors[0].get("ctx", {})
    names_key = place[-1] == KEY and kind not in UNKNOWN
    place = place[:-1] if names_key else place
    shown = ".".join(map(str, place))
    expected = [
        name for e in errors for name in re.findall("'([^']+)'", e.get("ctx", {}).get("expected", ""))
    ]
    if kind in UNKNOWN or (names_key and expected):
        said = f"unknown key{did_you_mean(str(place[-1]), expected or _keys_at(model, place[:-1]))}"
    elif kind == "missing":
        said = "is missing"
    elif names_key and kind == "string_type":
        said = "a name has to be text; write it in quotes"
    elif kind == "string_pattern_mismatch" and context["pattern"] in ("^[A-Za-z0-9]+$", "^[A-Za-z0-9]*$"):
        near = [name for name in [re.sub("[^A-Za-z0-9]", "", given)] if name]
        said = f"string should be letters and digits only, got {given!r}{did_you_mean(given, near)}"
    else:
        reasons = [e["msg"].removeprefix("Value error, ").partition(" or instance of ")[0] for e in errors]
        reason = "; or ".join(dict.fromkeys(f"{text[0].lower()}{text[1:]}" for text in reasons))
        said = f"{reason}, got {given!r}{did_you_mean(str(given), expected)}"
    return one_line(f"{shown}: {said}")


def _keys_at(model: Model, place: Place) -> list[str]:
    """The keys that a model knows at a place in it; none where names are free."""
    in_container = False
    for part in place:
        if in_container:  # the part is an index or a free name
            in_container = False
            continue
        field = model.model_fields.get(part)
        annotation = field.annotation if field else None
        models = [a for a in (annotation, *get_args(annotation)) if hasattr(a, "model_fields")]
        if not models:
            return []
        in_container = get_origin(annotation) in (dict, tuple)
        model = models[0]
    return [] if in_container else list(model.model_fields)


def did_you_mean(name: str, valid: list[str]) -> str:
    """` (did you mean 'x'?)`, or nothing."""
    close = difflib.get_close_matches(name, valid, n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else ""
