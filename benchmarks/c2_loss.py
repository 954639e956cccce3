"""The c2 loss against unfold-and-minimum, forward and backward: speed and memory beyond the inputs.

Run as a script. Prints medians and their ratios, measured in one run on `--threads` CPU threads or on a GPU; the two
ways take turns, so that what else the machine does slows both.
"""

import argparse
import statistics
from collections.abc import Callable

import torch
from measuring import add_device, clock_of, device_of, machine, seconds
from recontrast.trainer import losses
from torch.nn import functional

FAR = 1e4  # beyond the image: never the closest

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def literal(prediction: torch.Tensor, label: torch.Tensor, window: int) -> torch.Tensor:
    """All shifts of the label side by side, then the minimum."""
    padded = functional.pad(label[:, None], [window // 2] * 4, value=FAR)
    shifts = functional.unfold(padded, window).view(len(label), window**2, *label.shape[1:])
    return ((prediction[:, None] - shifts) ** 2).min(1).values.mean()


def gradient(loss: Loss, prediction: torch.Tensor, label: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss and its gradient."""
    value = loss(prediction, label)
    return value.detach(), torch.autograd.grad(value, prediction)[0]


def peak_bytes(work: Callable[[], object], device: str) -> int:
    """The most memory that torch held at once while it worked, beyond what it held before."""
    if device == "cuda":
        torch.cuda.synchronize()
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        work()
        return torch.cuda.max_memory_allocated() - before
    with torch.profiler.profile(profile_memory=True) as profile:
        work()
    events = [event for event in profile.profiler.kineto_results.events() if event.name() == "[memory]"]
    held = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()
        peak = max(peak, held)
    return peak


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--window", type=int, default=5)
    parser.add_argument("--shape", type=int, nargs=3, default=[15, 128, 128])
    parser.add_argument("--repeats", type=int, default=15)
    add_device(parser)
    options = parser.parse_args()
    device = device_of(options.device)
    clock = clock_of(device)
    torch.set_num_threads(options.threads)
    print(machine(options.threads, device))
    torch.manual_seed(1)
    prediction, label = (torch.rand(options.shape).to(device) for _ in range(2))
    prediction.requires_grad_()
    ways: dict[str, Loss] = {
        "running minimum": lambda ours, theirs: losses.c2(ours, theirs, window=options.window),
        "unfold": lambda ours, theirs: literal(ours, theirs, options.window),
    }
    works = {name: lambda loss=loss: gradient(loss, prediction, label) for name, loss in ways.items()}
    values, gradients = zip(*(work() for work in works.values()), strict=True)
    print(f"largest difference of the gradients {(gradients[0] - gradients[1]).abs().max():.1e}, ", end="")
    print(f"of the losses {(values[0] - values[1]).abs():.1e}")
    times = {name: [] for name in works}
    for _ in range(options.repeats):
        for name, work in works.items():
            times[name].append(seconds(work, clock)[1])
    fast, slow = (statistics.median(times[name]) * 1e3 for name in works)
    small, large = (peak_bytes(work, device) / 2**20 for work in works.values())
    shape = "x".join(map(str, options.shape))
    print(
        f"batch {shape}, window {options.window}, {device}, {options.threads} threads, forward and backward:"
    )
    print(f"time: running minimum {fast:.1f} ms, unfold {slow:.1f} ms, ratio {slow / fast:.1f}")
    print(f"memory: running minimum {small:.1f} MiB, unfold {large:.1f} MiB, ratio {large / small:.1f}")


if __name__ == "__main__":
    main()
