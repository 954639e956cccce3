"""A trained network before the images of one session: what is predicted, and what the prediction hangs on."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import pad

from ..errors import RecontrastError
from ..models.interface import Model
from .slabs import Slabs, slabs
from .slices import centring, rounded


@dataclass(frozen=True)
class Applied:
    """A network and the images that it sees, in pieces that fit the memory.

    Attributes:
        inputs: normalised images on the device, float32, shape (contrasts, x, y, z).
        forward: from some planes of them, (contrasts, x, y, z), to the normalised target, (x, y, z); keeps
            the gradient.
        blocks: the pieces, along `axis`; one plane of the output hangs on no more than what its block reads.
        scale: units of the target to one of the output.
        offset: units of the target at an output of 0.
        axis: the axis of the image that is cut.
        own: scale and offset by which training would normalise this session's own target; None: `scale` and
            `offset` are those, or the target is not known.
    """

    inputs: torch.Tensor
    forward: Callable[[torch.Tensor], torch.Tensor]
    blocks: Slabs
    scale: float
    offset: float = 0.0
    axis: int = 0
    own: tuple[float, float] | None = None

    def normalised(self, target: np.ndarray) -> torch.Tensor:
        """An acquired target as training would scale it, on the device, float32, shape (x, y, z)."""
        scale, offset = self.own or (self.scale, self.offset)
        scaled = (target - np.float32(offset)) / np.float32(scale)
        return torch.from_numpy(scaled.astype(np.float32)).to(self.inputs.device)

    def output(self) -> torch.Tensor:
        """The normalised target, float32, shape (x, y, z), without gradient; what does not fit is cut thinner.

        Raises:
            RecontrastError: the thinnest piece does not fit into the GPU's memory.
        """
        blocks = self.blocks
        while True:
            try:
                return self._output(blocks)
            except torch.OutOfMemoryError as error:
                blocks = blocks.thinner()
                if blocks is None:
                    raise RecontrastError(
                        "the thinnest piece of an image does not fit into the GPU's memory",
                        remedy="predict with device cpu",
                    ) from error
            torch.cuda.empty_cache()
            print(f"out of GPU memory: thinner pieces, {blocks.thickness} planes at a time", flush=True)

    def _output(self, blocks: Slabs) -> torch.Tensor:
        made = torch.empty(self.inputs.shape[1:], device=self.inputs.device)
        with torch.no_grad():
            for seen, filled, inner in blocks:
                made[self.cut(filled)] = self.forward(self.inputs[:, *self.cut(seen)])[
                    self.cut(inner)
                ].float()
        return made

    def predict(self) -> np.ndarray:
        """The target in its units, float32, shape (x, y, z)."""
        return self.output().cpu().numpy() * np.float32(self.scale) + np.float32(self.offset)

    def cut(self, planes: slice) -> tuple[slice, ...]:
        """Some planes, as an index of an image."""
        return tuple(planes if axis == self.axis else slice(None) for axis in range(3))


def restored(network: torch.nn.Module, model: Model, device: torch.device) -> torch.nn.Module:
    """A network with the weights of a model, on the device, ready to predict."""
    network.load_state_dict({name: torch.from_numpy(array) for name, array in model.weights.items()})
    return network.to(device).eval()


def by_slabs(network: torch.nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
    """`Applied.forward` of a 3D network: (n, contrasts, x, y, z) to (n, 1, x, y, z)."""
    return lambda seen: network(seen[None])[0, 0]


def by_slices(
    network: Callable[[torch.Tensor], torch.Tensor], axis: int, multiple: int
) -> Callable[[torch.Tensor], torch.Tensor]:
    """`Applied.forward` of a 2D network: (n, contrasts, h, w) to (n, 1, h, w).

    Slices are centred in zeros so that both sides are a multiple, and cropped afterwards.
    """

    def forward(seen: torch.Tensor) -> torch.Tensor:
        slices = seen.movedim(axis + 1, 0)
        amounts = centring(slices.shape[2:], rounded(slices.shape[2:], multiple))
        made = network(pad(slices, amounts))[:, 0]
        return pad(made, [-amount for amount in amounts]).movedim(0, axis)

    return forward


def slices_of(count: int, batch: int = 8) -> Slabs:
    """The blocks of a 2D network: some slices at a time, none of which sees another."""
    return slabs((count, 1, 1), channels=1, halo=0, memory=4 * batch)
