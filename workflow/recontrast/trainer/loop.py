"""The training loop of all torch methods: seeded, resumable, sparing with memory."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch

from ..errors import RecontrastError
from ..methods.interface import Run
from . import checkpoint
from .device import seed_epoch
from .stopping import Stop

CHECKPOINT_SECONDS = 20.0  # between checkpoints; what a kill costs at most
LINE_SECONDS = 300.0  # between lines of progress, at most

Batch = tuple[torch.Tensor, ...]
Row = dict[str, float | int | None]


class Task(ABC):
    """What a torch method tells the trainer: what is learned, from which batches, with which loss.

    Attributes:
        network: all that is learned; several networks go into one `torch.nn.ModuleDict`.
        optimizers: by turn. A turn is one update: `{"training": adam}`, or, for an adversarial method,
            `{"discriminator": ..., "generator": ...}`, taken in this order for every batch.
    """

    network: torch.nn.Module
    optimizers: dict[str, torch.optim.Optimizer]

    @abstractmethod
    def batches(self, draw: np.random.Generator) -> Iterable[Batch]:
        """One epoch's batches, on the device; all tensors of a batch have the samples as first axis."""

    @abstractmethod
    def loss(self, batch: Batch, turn: str) -> torch.Tensor:
        """The mean loss of a batch; the trainer may hand a batch over in parts."""

    def validate(self) -> float | None:
        """The error on the validation sessions; None where there are none: then the last epoch is kept."""
        return None

    def begin_epoch(self, epoch: int) -> None:  # noqa: B027 (most methods need none)
        """Set what depends on the epoch (learning rates, the loss in force); the first epoch is 1."""

    def turns(self) -> list[str]:
        """The updates to make for each batch in this epoch."""
        return list(self.optimizers)


@dataclass(frozen=True)
class Outcome:
    """What training leaves: the best epoch's weights and the loss table."""

    weights: dict[str, np.ndarray]
    losses: list[Row]
    best_epoch: int


def train(task: Task, run: Run, *, epochs: int, stop: Stop | None = None, bfloat16: bool = False) -> Outcome:
    """Train until `epochs` or until `stop` says so, from the last checkpoint if there is one.

    Args:
        task: the method's part, its network on the device already.
        run: seed, checkpoint folder and its key.
        epochs: how many at most.
        stop: whether to stop, from the validation errors so far.
        bfloat16: compute the loss in bfloat16 where the network is on a GPU.

    Raises:
        RecontrastError: the loss is not finite, or one sample alone does not fit the GPU.
    """
    device = next(task.network.parameters()).device
    stepper = _Stepper(task, device, bfloat16)
    losses: list[Row] = []
    best, best_epoch = _copy(task.network), 0
    saved = run.state and checkpoint.restore(run.state, run.key, task.network, task.optimizers)
    if saved:
        best, progress = saved
        losses, best_epoch, stepper.parts = progress["losses"], progress["best_epoch"], progress["parts"]
        print(f"resuming after epoch {len(losses)}", flush=True)
    log = _Log(epochs, len(losses))
    written = time.monotonic()
    while len(losses) < epochs and not (stop and _errors(losses) and stop(_errors(losses))):
        epoch = len(losses) + 1
        row = stepper.epoch(epoch, run.seed)
        if row["validation"] is None or row["validation"] < min(_errors(losses), default=np.inf):
            best, best_epoch = _copy(task.network), epoch
        losses.append(row)
        log.line(row, best_epoch)
        if run.state and time.monotonic() - written >= CHECKPOINT_SECONDS:
            progress = {"losses": losses, "best_epoch": best_epoch, "parts": stepper.parts}
            checkpoint.save(run.state, run.key, task.network, task.optimizers, best, progress)
            written = time.monotonic()
    if losses:
        print(f"trained {len(losses)} epochs; kept epoch {best_epoch}", flush=True)
    return Outcome({name: tensor.cpu().numpy() for name, tensor in best.items()}, losses, best_epoch)


class _Stepper:
    """Runs epochs; remembers into how many parts a batch must be cut to fit the GPU."""

    def __init__(self, task: Task, device: torch.device, bfloat16: bool) -> None:
        self.task = task
        self.device = device
        self.bfloat16 = bfloat16 and device.type == "cuda"
        self.parts = 1

    def epoch(self, epoch: int, seed: int) -> Row:
        """One epoch and its validation, as a row of the loss table."""
        draw = seed_epoch(seed, epoch)
        self.task.network.train()
        self.task.begin_epoch(epoch)
        turns = self.task.turns()
        sums = {turn: torch.zeros((), device=self.device) for turn in turns}
        samples = 0
        for batch in self.task.batches(draw):
            samples += len(batch[0])
            for turn in turns:
                sums[turn] += self._update(batch, turn) * len(batch[0])
        self.task.network.eval()
        with torch.no_grad():
            validation = self.task.validate()
        row: Row = {"epoch": epoch} | {turn: float(total) / samples for turn, total in sums.items()}
        row["validation"] = validation
        for column, value in row.items():
            if value is not None and not np.isfinite(value):
                raise RecontrastError(
                    f"the {column} loss became {value} in epoch {epoch}",
                    remedy="lower the recipe's learning_rate, or check the training images",
                )
        return row

    def _update(self, batch: Batch, turn: str) -> torch.Tensor:
        """One optimizer step; a batch that does not fit is cut in two until it does."""
        while True:
            try:
                loss = self._accumulate(batch, turn)
                self.task.optimizers[turn].step()
                return loss
            except torch.OutOfMemoryError as error:
                if self.parts >= len(batch[0]):
                    raise RecontrastError(
                        "one training sample alone does not fit into the GPU's memory",
                        remedy="train with device cpu, or make the recipe's network or crop smaller",
                    ) from error
            self.parts = min(2 * self.parts, len(batch[0]))
            torch.cuda.empty_cache()
            print(f"out of GPU memory: batches now go in {self.parts} parts, same batch size", flush=True)

    def _accumulate(self, batch: Batch, turn: str) -> torch.Tensor:
        self.task.network.zero_grad(set_to_none=True)
        total = torch.zeros((), device=self.device)
        parts = [tensor.tensor_split(self.parts) for tensor in batch]
        for part in zip(*parts, strict=True):
            if share := len(part[0]) / len(batch[0]):
                with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
                    loss = self.task.loss(part, turn) * share
                loss.backward()
                total += loss.detach()
        return total


class _Log:
    """Progress with time left, a line each twentieth of the way."""

    def __init__(self, epochs: int, done: int) -> None:
        self.epochs = epochs
        self.first = done
        self.begun = self.printed = time.monotonic()

    def line(self, row: Row, best_epoch: int) -> None:
        epoch, now = row["epoch"], time.monotonic()
        step = max(1, self.epochs // 20)
        if epoch not in (1, self.epochs) and epoch % step and now - self.printed < LINE_SECONDS:
            return
        self.printed = now
        left = (now - self.begun) / (epoch - self.first) * (self.epochs - epoch)
        values = ", ".join(
            f"{name} {value:.5g}" for name, value in list(row.items())[1:] if value is not None
        )
        clock = f"{left // 3600:.0f} h {left % 3600 // 60:.0f} min" if left >= 3600 else f"{left:.0f} s"
        print(f"epoch {epoch}/{self.epochs}: {values}; best {best_epoch}; {clock} left", flush=True)


def _errors(losses: list[Row]) -> list[float]:
    return [row["validation"] for row in losses if row["validation"] is not None]


def _copy(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
