"""Filling the HTML templates beside this module."""

import math
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from .. import lesion_words, tables
from ..images import write_text
from ..measures import MEASURES, as_printed

TEMPLATES = Path(__file__).parent / "templates"


def write(path: Path, template: str, **content: object) -> None:
    """Write one page from a template; every value is escaped, a missing one is an error."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "number": number,
        "p_value": tables.p_value,
        "heading": heading,
        "code": code,
        "source": lesion_words.source,
    }
    write_text(path, environment.get_template(template).render(**content))


def heading(metric: str) -> str:
    """A metric as a column is headed: its title, and whose it is where a paper prints one of its own."""
    measure = MEASURES[metric]
    return f"{measure.title}, {measure.author}" if as_printed(metric) else measure.title


def code(text: str) -> Markup:
    """A text in which what stands in `backticks` is code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # not in pairs
        return escape(text)
    return Markup("").join(Markup("<code>{}</code>").format(p) if n % 2 else p for n, p in enumerate(parts))


def number(value: object, beside: object = None) -> str:
    """A score as a reader wants it: two to four digits behind the point, as many as the number beside it."""
    value, beside = tables.number(value), tables.number(value if beside is None else beside)
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    digits = 2 if abs(beside) >= 10 else 3 if abs(beside) >= 0.1 else 4
    return f"{value:z.{digits}f}".replace("-", "−")
