"""What does not fit into memory is computed in parts, with the gradient of the whole, to rounding."""

from dataclasses import replace

import numpy as np
import pytest
import small_volumes
import torch
from recontrast.errors import RecontrastError
from recontrast.models import recipes
from recontrast.models.interface import Cohort, Run, Volumes, method_module
from recontrast.trainer import cubes, device, loop, slabs
from recontrast.trainer.applied import Applied, by_slabs

CPU = torch.device("cpu")
SMALL = {
    "cc_dnn": {"maps": 4, "batch": 7, "patch": 16, "patches_per_epoch": 14, "loss": "c1+c2+c3"},
    "fcn3d": {"filters": 8, "crop": 12, "rim": 2, "batch": 7},
    "multimodal": {"maps": 4, "batch": 7},
    "patch_to_voxel": {"patch": 3, "batch": 7},
    "pix2pix": {"filters": 4, "batch": 7, "region": "mask"},
    "pixel_gan": {"batch": 7, "absolute_weight": 1.0},
    "unet2d": {"filters": 4, "batch": 7, "region": "mask", "size": 0},
    "unet3d": {"filters": 4, "crop": 12, "rim": 2, "batch": 7},
    "voxel_mlp": {"neurons": 8, "crop": 8, "batch": 7},
}


def session(method: str, seed: int) -> Volumes:
    """Masks of slices differ much in size, and some voxels count more where the method weights them."""
    one = small_volumes.volumes(seed)
    if method == "pixel_gan":
        raw = [one.inputs[0] * weight + one.inputs[1] * (1 - weight) for weight in np.linspace(0.2, 0.8, 8)]
        maps = [np.full_like(raw[0], value) for value in (1.0, 12.0, 900.0)]
        maps[2] = maps[2] + 0.1 * one.inputs[0]
        return replace(one, inputs=np.stack([*raw, *maps]).astype(np.float32))
    if recipes.load(method).weights:
        drawn = np.random.default_rng(seed).random(one.mask.shape)
        return replace(one, emphasis=(1 + 8 * (drawn > 0.7)).astype(np.float32))
    return one


def task_of(method: str, monkeypatch: pytest.MonkeyPatch) -> loop.Task:
    """The task that a method would train on two sessions."""

    class Caught(Exception):
        pass

    def caught(task: loop.Task, *_: object, **__: object) -> None:
        raise Caught(task)

    module = method_module(method)
    monkeypatch.setattr(module if hasattr(module, "train") else cubes, "train", caught)
    recipe = recipes.resolve(method, "quick", SMALL[method])
    cohort = Cohort([session(method, 1), session(method, 2)], [session(method, 3)])
    with pytest.raises(Caught) as found:
        module.fit(cohort, recipe, Run(device="cpu"))
    return found.value.args[0]


@pytest.mark.parametrize("method", SMALL)
def test_the_gradient_of_parts_is_that_of_the_whole(method, monkeypatch, capsys):
    task = task_of(method, monkeypatch)
    task.begin_epoch(getattr(task, "epochs", 50))  # of an adversarial method, the second step
    batch = next(iter(task.batches(device.seed_epoch(1, 1))))
    assert len(batch[0]) == 7
    # Dropout draws anew for every part, and batch normalisation looks at one part alone: the named exceptions.
    task.network.eval()
    # In double precision, as sums of other order differ in single precision.
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    task.network.double()
    batch = tuple(one.double() if one.is_floating_point() else one for one in batch)
    for one in task.optimizers.values():
        monkeypatch.setattr(one, "step", lambda: None)
    small, loss = loop._Stepper(task, CPU, False), task.loss

    def limited(part: loop.Batch, turn: str) -> torch.Tensor:
        if len(part[0]) > 2:
            raise torch.OutOfMemoryError("no more")
        return loss(part, turn)

    for turn in task.turns():
        found = []
        for stepper, computed in ((loop._Stepper(task, CPU, False), loss), (small, limited)):
            monkeypatch.setattr(task, "loss", computed)
            total = float(stepper._update(batch, turn))
            grads = [one.grad for one in task.network.parameters() if one.grad is not None]
            found.append((total, torch.cat([grad.flatten().clone() for grad in grads])))
        (whole, gradient), (parts, summed) = found
        assert parts == pytest.approx(whole, rel=1e-6)
        assert (summed - gradient).abs().max() <= 1e-6 * max(1, float(gradient.abs().max()))
    assert small.parts == 4
    assert "batches now go in 4 parts" in capsys.readouterr().out


@pytest.mark.parametrize("method", SMALL)
def test_validation_in_parts_finds_the_same_error(method, monkeypatch):
    task = task_of(method, monkeypatch)
    task.begin_epoch(getattr(task, "epochs", 50))
    task.network.eval()
    with torch.no_grad():
        whole = task.validate()
        task.validation_parts = 4
        assert whole is None or task.validate() == pytest.approx(whole, rel=1e-5)


def test_a_validation_that_does_not_fit_is_cut(capsys):
    class Wide(loop.Task):
        def validate(self) -> float:
            if self.validation_parts < 8:
                raise torch.OutOfMemoryError("no more")
            return 3.0

        batches = loss = None

    class Wider(Wide):
        def validate(self) -> float:
            raise torch.OutOfMemoryError("no more")

    def of(kind: type) -> loop._Stepper:
        task = type(kind.__name__, (kind,), {"__abstractmethods__": frozenset()})()
        task.network = torch.nn.Linear(1, 1)
        return loop._Stepper(task, CPU, False)

    assert of(Wide)._validate() == 3.0
    assert "validation now goes in 8 parts" in capsys.readouterr().out
    with pytest.raises(RecontrastError, match="validation does not fit"):
        of(Wider)._validate()


def test_a_step_that_does_not_fit_is_not_made_twice(monkeypatch):
    task = task_of("voxel_mlp", monkeypatch)
    task.begin_epoch(1)
    batch, steps = next(iter(task.batches(device.seed_epoch(1, 1)))), []

    def step() -> None:
        steps.append(1)
        raise torch.OutOfMemoryError("no more")

    monkeypatch.setattr(task.optimizers["training"], "step", step)
    with pytest.raises(torch.OutOfMemoryError):
        loop._Stepper(task, CPU, False)._update(batch, "training")
    assert steps == [1]


@pytest.mark.parametrize("align", [1, 4])
def test_a_prediction_that_does_not_fit_is_cut_thinner(align, capsys):
    torch.manual_seed(1)
    inputs, network = torch.randn(2, 24, 5, 6), torch.nn.Conv3d(2, 1, 3, padding=1)
    pieces = slabs.slabs((24, 5, 6), channels=1, halo=1, memory=10**6, align=align)
    whole = Applied(inputs, by_slabs(network), pieces, scale=2.0).predict()

    def limited(seen: torch.Tensor) -> torch.Tensor:
        if seen.shape[1] > 9:
            raise torch.OutOfMemoryError("no more")
        return by_slabs(network)(seen)

    made = Applied(inputs, limited, pieces, scale=2.0).predict()
    np.testing.assert_allclose(made, whole, atol=1e-5)
    assert "thinner pieces" in capsys.readouterr().out

    def never(seen: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("no more")

    with pytest.raises(RecontrastError, match="thinnest piece"):
        Applied(inputs, never, pieces, scale=2.0).predict()


def test_parts_side_by_side_are_cut_too():
    def limited(part: torch.Tensor) -> torch.Tensor:
        if len(part) > 3:
            raise torch.OutOfMemoryError("no more")
        return 2 * part

    parts = torch.arange(20.0).split(10)
    assert torch.equal(torch.cat(device.side_by_side(limited, parts, 2)), 2 * torch.arange(20.0))
