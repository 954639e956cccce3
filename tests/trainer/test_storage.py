"""Images that do not fit into the memory of a GPU stay in the host's, and batches are the same."""

import numpy as np
import pytest
import small_volumes
import torch
from recontrast.models import recipes
from recontrast.models.interface import Cohort, Run, Volumes, method_module
from recontrast.trainer import storage
from recontrast.trainer.cube_pool import CubePool
from recontrast.trainer.patches import PatchPool
from recontrast.trainer.slices import SlicePool

CPU = torch.device("cpu")
OWNERS, CENTRES = np.array([0, 1, 1]), np.array([[4, 5, 6], [9, 9, 9], [2, 3, 4]])


def stack(session: Volumes) -> np.ndarray:
    return np.stack([*session.inputs, session.target, session.weights])


def batches(device: torch.device, folder) -> list[torch.Tensor]:
    """Some of every pool."""
    sessions = [small_volumes.volumes(1), small_volumes.volumes(2)]
    cubes, whole = (CubePool(sessions, edge, device, prepare=stack, folder=folder) for edge in (6, 0))
    patches, slices = (
        PatchPool(sessions, 3, device, folder=folder),
        SlicePool(sessions, device, folder=folder),
    )
    which, draw = np.array([5, 900, 3]), np.random.default_rng(1)
    found = [*cubes.cubes(OWNERS, CENTRES), *whole.whole(1), patches.gather(which), patches.targets(which)]
    return [*found, *slices.gather(which % len(slices)), *slices.draw_patches(draw, 4, 8)]


@pytest.mark.parametrize("kept", [True, False])
def test_what_does_not_fit_stays_in_the_host(tmp_path, monkeypatch, capsys, kept):
    """`meta` stands for a GPU: nothing of it can be read, so that all was gathered in the host."""
    monkeypatch.setattr(storage, "free", lambda device: 1000)
    found = batches(torch.device("meta"), tmp_path if kept else None)
    assert all(one.device.type == "meta" for one in found)
    assert [one.shape for one in found] == [one.shape for one in batches(CPU, None)]
    assert "GiB of images do not fit into the GPU's memory and stay in host memory" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("room", range(20_000, 400_000, 20_000))
def test_what_is_indexed_lies_where_its_indices_do(monkeypatch, room):
    """However much memory there is, as long as it is taken: never the images on a GPU and their indices in the host."""
    taken = []
    monkeypatch.setattr(storage, "free", lambda device: room - sum(taken))
    empty = storage.empty

    def counted(shape, device, folder, dtype=torch.float32):
        made = empty(shape, device, folder, dtype)
        taken.append(made.nbytes if made.device.type == "meta" else 0)
        return made

    monkeypatch.setattr(storage, "empty", counted)
    sessions = [small_volumes.volumes(1), small_volumes.volumes(2)]
    patches = PatchPool(sessions, 3, torch.device("meta"))
    assert (
        len({one.device for one in (patches._runs, patches._centres, patches._targets, patches._ends)}) == 1
    )
    taken.clear()
    slices = SlicePool(sessions, torch.device("meta"), region="image", empty=True)
    assert len({one.device for one in (slices.inputs, slices.target, slices.mask, slices.weights)}) == 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("method", ["fcn3d", "patch_to_voxel", "unet2d", "cc_dnn", "pix2pix"])
def test_training_is_the_same_wherever_images_lie(method, monkeypatch):
    recipe = recipes.resolve(method, "quick", {"epochs": 1})
    cohort = Cohort([small_volumes.volumes(1), small_volumes.volumes(2)], [small_volumes.volumes(3)])
    made = []
    for room in (None, 0):
        if room is not None:
            monkeypatch.setattr(storage, "free", lambda device: 0)
        made.append(method_module(method).fit(cohort, recipe, Run(device="cuda")).losses)
    for one, other in zip(*made, strict=True):
        assert one == pytest.approx(other, rel=1e-4)
