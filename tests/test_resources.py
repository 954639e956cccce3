"""What jobs may take: more at each try; no two trainings on one GPU of this machine unless the study says so."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from recontrast.config import Training
from recontrast.graph import Graph
from recontrast.plan import Plan
from recontrast.resources import growing, trainings_at_once
from test_plan import FOUR, cohort, study


def test_a_second_try_gets_twice_as_much() -> None:
    assert [growing(4000)(None, attempt) for attempt in (1, 2, 3)] == [4000, 8000, 12000]


@pytest.mark.parametrize(
    ("devices", "visible", "settings", "expected"),
    [
        ((), None, {}, None),
        (("nvidia0", "nvidiactl"), None, {}, 1),
        (("nvidia0",), "0", {"per_gpu": 2}, 2),
        (("nvidia0",), "", {}, None),
        (("kfd",), None, {"device": "cpu"}, None),
        (("nvidiactl",), None, {}, None),
    ],
)
def test_a_gpu_of_this_machine_is_shared_only_if_the_study_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, devices, visible, settings, expected
) -> None:
    for name in devices:
        (tmp_path / name).touch()
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert trainings_at_once(Training(**settings), tmp_path) == expected


@pytest.mark.parametrize(
    ("method", "device", "gpus"), [("fcn3d", "auto", 1), ("fcn3d", "cpu", 0), ("random_forest", "auto", 0)]
)
def test_only_trainings_that_can_use_a_gpu_ask_for_one(method: str, device: str, gpus: int) -> None:
    asked = study(experiment={"method": method}, training={"device": device})
    assert Graph(Plan(asked, cohort(**FOUR))).gpus(SimpleNamespace(experiment="Fcn", fold="1")) == gpus
