"""The training loop of all torch methods: seeded, resumable, sparing with memory."""

import itertools
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from ..errors import RecontrastError
from ..models.interface import Run
from . import checkpoint
from .device import random_state, seed_epoch, set_random_state
from .progress import Progress
from .stopping import Stop

CHECKPOINT_SECONDS = 20.0  # between checkpoints; what a kill costs at most
WRITING_SHARE = 0.05  # of the time may go into checkpoints: large networks are written less often, ...
LONGEST = 15  # ... but after as many times those seconds at the latest

MOST_PARTS = 2**16  # of a validation

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
    validation_parts: int = 1

    @abstractmethod
    def batches(self, draw: np.random.Generator) -> Iterable[Batch]:
        """One epoch's batches, on the device; all tensors of a batch have the samples as first axis."""

    @abstractmethod
    def loss(self, batch: Batch, turn: str) -> torch.Tensor:
        """The mean loss of a batch; the trainer may hand a batch over in parts."""

    def weight(self, batch: Batch) -> torch.Tensor | float:
        """What `loss` divides by, in proportion, so that the parts of a batch can be added up: its samples."""
        return len(batch[0])

    def length(self) -> int | None:
        """How many batches an epoch has, where that is known beforehand."""
        return None

    def validate(self) -> float | None:
        """The error on the validation sessions; None where there are none: then the last epoch is kept.

        It computes a `validation_parts`-th of its usual batch at a time, which the trainer doubles when memory
        runs out.
        """
        return None

    def begin_epoch(self, epoch: int) -> None:  # noqa: B027 (most methods need none)
        """Set what depends on the epoch (learning rates, the loss in force); the first epoch is 1."""

    def turns(self) -> list[str]:
        """The updates to make for each batch in this epoch."""
        return list(self.optimizers)


@dataclass(frozen=True)
class Outcome:
    """What training leaves: the weights of the epoch that is kept, and the loss table."""

    weights: dict[str, np.ndarray]
    losses: list[Row]
    best_epoch: int


def train(
    task: Task,
    run: Run,
    *,
    epochs: int,
    stop: Stop | None = None,
    keep: Literal["best", "last"] = "best",
    bfloat16: bool = False,
) -> Outcome:
    """Train until `epochs` or until `stop` says so, from the last checkpoint if there is one.

    Args:
        task: the method's part, its network on the device already.
        run: seed, checkpoint folder and its key.
        epochs: how many at most.
        stop: whether to stop, from the validation errors so far.
        keep: the epoch with the lowest validation error, or the last one.
        bfloat16: compute the loss in bfloat16 where the network is on a GPU.

    Raises:
        RecontrastError: the loss is not finite, or one sample alone does not fit the GPU.
    """
    device = next(task.network.parameters()).device
    stepper = _Stepper(task, device, bfloat16)
    losses: list[Row] = []
    best, best_epoch = _copy(task.network), 0

    def begin_again(progress: dict) -> None:
        # Whatever an epoch does to its optimizers when it begins comes before their state.
        if progress.get("within"):
            task.begin_epoch(len(progress["losses"]) + 1)

    saved = run.state and checkpoint.restore(run.state, run.key, task.network, task.optimizers, begin_again)
    if saved:
        best, progress = saved
        losses, best_epoch, stepper.parts = progress["losses"], progress["best_epoch"], progress["parts"]
        stepper.within = progress.get("within") and _Within.read(progress["within"], device)
        done = f", {stepper.within.batches} batches" if stepper.within else ""
        print(f"resuming after epoch {len(losses)}{done}", flush=True)
    written, interval = time.monotonic(), CHECKPOINT_SECONDS

    def save() -> None:
        nonlocal written, interval
        begun = time.monotonic()
        if not run.state or begun - written < interval:
            return
        within = stepper.within and stepper.within.facts()
        progress = {"losses": losses, "best_epoch": best_epoch, "parts": stepper.parts, "within": within}
        checkpoint.save(run.state, run.key, task.network, task.optimizers, best, progress)
        written = time.monotonic()
        interval = min(
            max(CHECKPOINT_SECONDS, (written - begun) / WRITING_SHARE), LONGEST * CHECKPOINT_SECONDS
        )

    with Progress(epochs, len(losses), stepper.within.batches if stepper.within else 0) as progress:
        stepper.after_batch = lambda within: (progress.batch(within.batches, task.length()), save())
        while len(losses) < epochs and not (stop and _errors(losses) and stop(_errors(losses))):
            epoch = len(losses) + 1
            row = stepper.epoch(epoch, run.seed)
            error = row["validation"]
            if keep == "last" or error is None or error < min(_errors(losses), default=np.inf):
                best, best_epoch = _copy(task.network), epoch
            losses.append(row)
            progress.epoch(row, best_epoch)
            save()
    if losses:
        print(f"trained {len(losses)} epochs; kept epoch {best_epoch}", flush=True)
    return Outcome({name: tensor.cpu().numpy() for name, tensor in best.items()}, losses, best_epoch)


@dataclass
class _Within:
    """A place within an epoch.

    Attributes:
        batches: how many lie behind.
        samples: in them.
        sums: their losses by turn, times samples, on the device.
        random: where torch's draws continue; None: where they are.
    """

    batches: int
    samples: int
    sums: dict[str, torch.Tensor]
    random: dict[str, str] | None = None

    def facts(self) -> dict:
        """The place as it is now, as JSON."""
        sums = {turn: float(total) for turn, total in self.sums.items()}
        return {"batches": self.batches, "samples": self.samples, "sums": sums, "random": random_state()}

    @classmethod
    def read(cls, facts: dict, device: torch.device) -> "_Within":
        """The inverse of `facts`."""
        sums = {turn: torch.tensor(total, device=device) for turn, total in facts["sums"].items()}
        return cls(facts["batches"], facts["samples"], sums, facts["random"])


class _Stepper:
    """Runs epochs; remembers where in one it is, and into how many parts a batch must be cut to fit the GPU."""

    def __init__(self, task: Task, device: torch.device, bfloat16: bool) -> None:
        self.task = task
        self.device = device
        self.bfloat16 = bfloat16 and device.type == "cuda"
        self.parts = 1
        self.within: _Within | None = None
        self.after_batch: Callable[[_Within], object] = lambda within: None

    def epoch(self, epoch: int, seed: int) -> Row:
        """One epoch, or what is left of it, and its validation, as a row of the loss table."""
        draw = seed_epoch(seed, epoch)
        self.task.network.train()
        if self.within is None:
            self.task.begin_epoch(epoch)
        turns, batches = self.task.turns(), iter(self.task.batches(draw))
        if self.within is None:
            self.within = _Within(0, 0, {turn: torch.zeros((), device=self.device) for turn in turns})
        place = self.within
        # Batches that lie behind are drawn, so that the next are drawn alike, but not computed.
        for _ in itertools.islice(batches, place.batches):
            pass
        if place.random:
            set_random_state(place.random)
        for batch in batches:
            for turn in turns:
                place.sums[turn] += self._update(batch, turn) * len(batch[0])
            place.samples += len(batch[0])
            place.batches += 1
            self.after_batch(place)
        self.task.network.eval()
        with torch.no_grad():
            validation = self._validate()
        self.within = None
        row: Row = {"epoch": epoch} | {
            turn: float(total) / place.samples for turn, total in place.sums.items()
        }
        row["validation"] = validation
        for column, value in row.items():
            if value is not None and not np.isfinite(value):
                raise RecontrastError(
                    f"the {column} loss became {value} in epoch {epoch}",
                    remedy="lower the recipe's learning_rate, or check the training images",
                )
        return row

    def _validate(self) -> float | None:
        while True:
            try:
                return self.task.validate()
            except torch.OutOfMemoryError as error:
                if self.task.validation_parts >= MOST_PARTS:
                    raise RecontrastError(
                        "validation does not fit into the GPU's memory", remedy="train with device cpu"
                    ) from error
            self.task.validation_parts *= 2
            self._free(f"validation now goes in {self.task.validation_parts} parts")

    def _update(self, batch: Batch, turn: str) -> torch.Tensor:
        """One optimizer step; a batch that does not fit is cut in two until it does."""
        buffers = [buffer.clone() for buffer in self.task.network.buffers()]
        while True:
            try:
                loss = self._accumulate(batch, turn)
                break
            except torch.OutOfMemoryError as error:
                if self.parts >= len(batch[0]):
                    raise RecontrastError(
                        "one training sample alone does not fit into the GPU's memory",
                        remedy="train with device cpu, or make the recipe's network or crop smaller",
                    ) from error
            # Running statistics of batch norms have seen what did not fit.
            for buffer, before in zip(self.task.network.buffers(), buffers, strict=True):
                buffer.copy_(before)
            self.parts = min(2 * self.parts, len(batch[0]))
            self._free(f"batches now go in {self.parts} parts, same batch size")
        # Not tried again where it runs out of memory half way: a step must not be made twice.
        self.task.optimizers[turn].step()
        return loss

    def _accumulate(self, batch: Batch, turn: str) -> torch.Tensor:
        """The gradient of a batch, as the sum of its parts'; each counts by its share of the whole's weight."""
        self.task.network.zero_grad(set_to_none=True)
        total = torch.zeros((), device=self.device)
        whole = self.task.weight(batch)
        for part in zip(*(tensor.tensor_split(self.parts) for tensor in batch), strict=True):
            if not len(part[0]):
                continue
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
                loss = self.task.loss(part, turn)
            if self.parts > 1:
                loss = loss * (self.task.weight(part) / whole)
            loss.backward()
            total += loss.detach()
        return total

    def _free(self, done: str) -> None:
        self.task.network.zero_grad(set_to_none=True)
        torch.cuda.empty_cache()
        print(f"out of GPU memory: {done}", flush=True)


def _errors(losses: list[Row]) -> list[float]:
    return [row["validation"] for row in losses if row["validation"] is not None]


def _copy(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
