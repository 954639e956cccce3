"""Filling the HTML templates beside this module."""

from pathlib import Path

import jinja2

from ..images import write_text

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
    environment.filters["number"] = number
    write_text(path, environment.get_template(template).render(**content))


def number(value: object) -> str:
    """A score as a reader wants it: three digits behind the point, fewer for large values."""
    try:
        value = float(value)
    except (TypeError, ValueError):
        return "–"
    if value != value:
        return "–"
    if value in (float("inf"), float("-inf")):
        return "∞" if value > 0 else "−∞"
    digits = 2 if abs(value) >= 10 else 3 if abs(value) >= 0.1 else 4
    return f"{value:.{digits}f}".replace("-", "−")
