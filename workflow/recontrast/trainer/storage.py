"""Room for the images of many sessions, which need not fit into memory."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from ..models.interface import Volumes
from ..models.volumes import arrays_of
from . import unnamed

SHARE = 0.7  # of the free memory of a GPU that images of one kind may take


def place(sizes: Iterable[tuple[int, torch.dtype]], device: torch.device) -> torch.device:
    """Where all that belongs together lies: what is indexed, and the indices, have to be in one place.

    Args:
        sizes: elements of each tensor, and their type.
        device: a GPU where enough of its memory remains for the network; else, as a line in the log says, the host.
    """
    needed = sum(int(count) * dtype.itemsize for count, dtype in sizes)
    if device.type == "cpu" or needed <= SHARE * free(device):
        return device
    print(f"{needed / 2**30:.1f} GiB of images do not fit into the GPU's memory and stay in host memory")
    return torch.device("cpu")


def empty(
    shape: tuple[int, ...], device: torch.device, folder: Path | None, dtype: torch.dtype = torch.float32
) -> torch.Tensor:
    """A tensor to fill with images.

    Args:
        shape: of the tensor.
        device: where it lies, as `place` has chosen it.
        folder: on a CPU it lies in a file of this folder, of which the system keeps in memory what there is
            room for. The file has no name and goes with the process, however that ends. None: plain memory.
        dtype: of the tensor.
    """
    if folder is None or device.type != "cpu":
        return torch.empty(shape, dtype=dtype, device=device)
    return torch.from_numpy(unnamed.array(shape, torch.empty(0, dtype=dtype).numpy().dtype, folder))


def free(device: torch.device) -> int:
    """Bytes of a GPU's memory that nobody uses."""
    unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return torch.cuda.mem_get_info(device)[0] + unused


def spilled(session: Volumes, folder: Path | None) -> Volumes:
    """A session that was computed, its arrays moved into such files; as it is where there is no folder."""
    if folder is None:
        return session
    moved = {}
    for name, array in arrays_of(session).items():
        values = torch.from_numpy(np.ascontiguousarray(array))
        moved[name] = empty(array.shape, values.device, folder, values.dtype).copy_(values).numpy()
    return replace(session, **moved)


def runs(flat: torch.Tensor, length: int) -> torch.Tensor:
    """All stretches of a flat tensor, as overlapping rows: (len(flat) - length + 1, length), none copied.

    What is cut from images consists of stretches of memory, so that whole ones are copied, one index each.
    """
    return flat.as_strided((len(flat) - length + 1, length), (1, 1))
