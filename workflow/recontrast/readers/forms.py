"""What readers are asked: the forms of the papers, and a user's own."""

from pathlib import Path
from typing import Literal

import pydantic
import yaml
from pydantic import Field

from ..contrasts import Section
from ..errors import RecontrastError

FOLDER = Path(__file__).parent / "forms"

Scale = dict[int, str]


class Category(Section):
    """One question about one image; on the form's scale unless it has its own."""

    name: str
    group: str = ""
    scale: Scale | None = None

    @property
    def label(self) -> str:
        """`Cartilage: patella`; unlike for any two categories of a form."""
        return f"{self.group}: {self.name}" if self.group else self.name


class Pair(Section):
    """One question about two images of a person that lie on top of each other."""

    name: str
    question: str


class Form(Section):
    """A form for readers.

    Attributes:
        layout: `together`: all synthetic images of a session on a page; `single`: one image a page.
        beside: what is shown with them.
        pairs: asked for every two synthetic images of a session.
    """

    title: str
    layout: Literal["together", "single"] = "together"
    beside: tuple[Literal["inputs", "acquired"], ...] = ("inputs", "acquired")
    instruction: str = ""
    scale: Scale = Field(min_length=2)
    categories: tuple[Category, ...] = Field(min_length=1)
    pairs: tuple[Pair, ...] = ()


def load(name: str) -> Form:
    """A form by its name, or from a file.

    Raises:
        RecontrastError: no such form, or the file is none.
    """
    shipped = {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}
    path = shipped.get(name, Path(name))
    if not path.is_file():
        raise RecontrastError(
            f"there is no form {name!r}", remedy=f"give a file, or one of {', '.join(shipped)}"
        )
    try:
        form = Form.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RecontrastError(f"is not YAML ({error})", file=path, remedy="mend the line named") from error
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise RecontrastError(
            f"is no form: {place}: {first['msg']}", file=path, remedy=f"compare it with {FOLDER}/kim2020.yaml"
        ) from error
    labels = [category.label for category in form.categories]
    if len(set(labels)) < len(labels):
        raise RecontrastError("two categories have one name", file=path, remedy="rename one")
    return form
