"""What a method would train, caught on its way to the trainer."""

from types import ModuleType

import pytest
from recontrast.models.interface import Cohort, Run
from recontrast.models.recipes import Recipe
from recontrast.trainer.loop import Task


class _Caught(Exception):
    pass


def task(method: ModuleType, cohort: Cohort, recipe: Recipe) -> Task:
    """The task of a method that calls the trainer itself."""

    def trained(found: Task, *_: object, **__: object) -> None:
        raise _Caught(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(method, "train", trained)
        with pytest.raises(_Caught) as raised:
            method.fit(cohort, recipe, Run(device="cpu"))
    return raised.value.args[0]
