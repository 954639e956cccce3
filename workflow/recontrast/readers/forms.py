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
    """One question about one image; on the form's scale unless it has its own.

    Attributes:
        better: which end of the scale.
        printed: how the row of a table is headed, as in a paper; the label if empty.
    """

    name: str
    group: str = ""
    scale: Scale | None = None
    better: Literal["higher", "lower"] = "higher"
    printed: str = ""

    @property
    def label(self) -> str:
        """`Cartilage: patella`; unlike for any two categories of a form."""
        return f"{self.group}: {self.name}" if self.group else self.name


class Pair(Section):
    """One question about two images of a person that lie on top of each other."""

    name: str
    question: str


class Published(Section):
    """Tables of studies/published to stand beside readers' scores and their agreement, as PAPER/TABLE."""

    scores: str = ""
    agreement: str = ""


class Form(Section):
    """A form for readers.

    Attributes:
        layout: `together`: all synthetic images of a session on a page; `single`: one image a page.
        beside: what is shown with them.
        pairs: asked for every two synthetic images of a session.
        overall: how the row over all categories is headed; there is one if all have one scale.
        columns: experiment -> how its column is headed; readers never see that.
        published: what papers have in these rows and columns.
    """

    title: str
    layout: Literal["together", "single"] = "together"
    beside: tuple[Literal["inputs", "acquired"], ...] = ("inputs", "acquired")
    instruction: str = ""
    scale: Scale = Field(min_length=2)
    categories: tuple[Category, ...] = Field(min_length=1)
    pairs: tuple[Pair, ...] = ()
    overall: str = "all categories"
    columns: dict[str, str] = Field({})
    published: Published = Published()

    @property
    def one_scale(self) -> bool:
        """Whether answers to all questions mean the same, so that their mean says something."""
        return len({(str(c.scale or self.scale), c.better) for c in self.categories}) == 1

    def shown(self) -> dict:
        """What pages need of it: nothing that names an experiment."""
        described = self.model_dump(mode="json", exclude={"columns", "published", "overall"})
        return described | {"labels": [category.label for category in self.categories]}


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
        raise RecontrastError(f"is not YAML ({error})", file=path, remedy="fix that line") from error
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise RecontrastError(
            f"is not a form: {place}: {first['msg']}",
            file=path,
            remedy=f"compare it with {FOLDER}/kim2020.yaml",
        ) from error
    for names in ([c.label for c in form.categories], [c.printed for c in form.categories if c.printed]):
        if len(set(names)) < len(names):
            raise RecontrastError("two categories have the same name", file=path, remedy="rename one")
    return form
