"""The trainer: resumes to the same bits, spares memory, stops, and says when a loss is lost."""

import re
import signal
import subprocess
import sys
import time
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from recontrast.errors import RecontrastError
from recontrast.models.interface import Run
from recontrast.trainer import checkpoint, device, loop, progress
from recontrast.trainer.rates import rate
from recontrast.trainer.stopping import patience, strips


class Line(loop.Task):
    """Learns y = 2x with dropout in the way and, on request, two turns or a pause."""

    def __init__(self, turns=("training",), pause=0.0, largest=10**9, count=3):
        self.network = torch.nn.Sequential(
            torch.nn.Linear(4, 8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 1)
        )
        self.optimizers = {turn: torch.optim.Adam(self.network.parameters(), lr=0.01) for turn in turns}
        self.pause, self.largest, self.count = pause, largest, count
        self.sizes = []

    def batches(self, draw):
        for _ in range(self.count):
            x = torch.from_numpy(draw.normal(size=(10, 4)).astype(np.float32))
            yield x, 2 * x[:, :1]

    def begin_epoch(self, epoch):
        # As methods do whose loss changes with the epoch.
        for optimizer in self.optimizers.values():
            optimizer.state.clear()

    def loss(self, batch, turn):
        if len(batch[0]) > self.largest:
            raise torch.OutOfMemoryError("no more")
        self.sizes.append(len(batch[0]))
        time.sleep(self.pause)
        return torch.nn.functional.mse_loss(self.network(batch[0]), batch[1])

    def validate(self):
        return float((self.network(torch.ones(1, 4)) - 2) ** 2)


def run_line(folder=None, epochs=12, key="k", **arguments):
    run = Run(seed=3, device="cpu", checkpoint=folder, key=key)
    device.begin(run)
    return loop.train(Line(**arguments), run, epochs=epochs)


def same(one, other):
    assert one.losses == other.losses
    assert one.best_epoch == other.best_epoch
    for name, array in one.weights.items():
        np.testing.assert_array_equal(array, other.weights[name])


@pytest.mark.parametrize("turns", [("training",), ("discriminator", "generator")])
def test_killed_training_ends_in_the_same_weights(tmp_path, turns):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import test_loop as t; from pathlib import Path;"
        "t.loop.CHECKPOINT_SECONDS = 0;"
        "t.run_line(Path(sys.argv[2]), turns=sys.argv[3].split(','), pause=0.01)"
    )
    here = __file__.rpartition("/")[0]
    child = subprocess.Popen(
        [sys.executable, "-c", code, here, str(tmp_path), ",".join(turns)], stdout=subprocess.PIPE, text=True
    )
    for line in child.stdout:
        if line.startswith("epoch 5/"):
            child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    uninterrupted = run_line(turns=turns)
    again = Line(turns=turns)
    _, facts = checkpoint.restore(tmp_path / "state.safetensors", "k", again.network, again.optimizers)
    assert 4 <= len(facts["losses"]) < 12
    same(run_line(tmp_path, turns=turns), uninterrupted)


@pytest.mark.parametrize("turns", [("training",), ("discriminator", "generator")])
def test_killed_within_an_epoch_it_goes_on_there(tmp_path, turns, capsys):
    """An epoch longer than a job would otherwise begin for ever."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import test_loop as t; from pathlib import Path;"
        "t.loop.CHECKPOINT_SECONDS = 1e-6;"
        "t.run_line(Path(sys.argv[2]), epochs=2, turns=sys.argv[3].split(','), pause=0.02, count=60)"
    )
    here, state = __file__.rpartition("/")[0], tmp_path / "state.safetensors"
    child = subprocess.Popen([sys.executable, "-c", code, here, str(tmp_path), ",".join(turns)])
    behind = 0
    while behind < 10:
        time.sleep(0.02)
        assert child.poll() is None
        again = Line(turns=turns)
        if saved := state.exists() and checkpoint.restore(state, "k", again.network, again.optimizers):
            behind = (saved[1]["within"] or {"batches": 0})["batches"]
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    uninterrupted = run_line(epochs=2, turns=turns, count=60)
    capsys.readouterr()
    same(run_line(tmp_path, epochs=2, turns=turns, count=60), uninterrupted)
    (left,) = re.findall(r"resuming after epoch 0, (\d+) batches", capsys.readouterr().out)
    assert 10 <= int(left) < 60


def test_large_networks_are_written_less_often(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(loop.checkpoint, "save", lambda *_: (written.append(1), time.sleep(0.02)))
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.05)
    run_line(tmp_path, epochs=1, pause=0.01, count=60)  # 0.6 s beside the writing, 0.4 s for each of it
    assert 1 <= len(written) <= 3


def test_resumes_only_what_belongs_to_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0)
    run_line(tmp_path, epochs=4)
    same(run_line(tmp_path, key="other data"), run_line())
    assert "starting from scratch" in capsys.readouterr().out
    (tmp_path / "state.safetensors").write_bytes(b"torn")
    same(run_line(tmp_path), run_line())
    assert "resuming" not in capsys.readouterr().out
    run_line(tmp_path)
    assert "resuming after epoch 12" in capsys.readouterr().out


def test_what_does_not_fit_is_trained_in_parts(capsys):
    torch.manual_seed(0)
    task = Line(largest=3)
    task.network[1].p = 0.0
    whole = Line()
    whole.network.load_state_dict(task.network.state_dict())
    whole.network[1].p = 0.0
    parts = loop.train(task, Run(seed=3), epochs=2)
    assert max(task.sizes) == 3
    assert "batches now go in 4 parts" in capsys.readouterr().out
    for row, other in zip(parts.losses, loop.train(whole, Run(seed=3), epochs=2).losses, strict=True):
        assert row == pytest.approx(other, rel=1e-5)


def test_what_did_not_fit_leaves_no_trace_in_running_statistics():
    """The whole batch goes through the network before memory runs out; then its parts do."""

    class Normed(Line):
        def __init__(self, largest):
            super().__init__(largest=largest)
            torch.manual_seed(0)
            self.network = torch.nn.Sequential(
                torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8), torch.nn.Linear(8, 1)
            )
            self.optimizers = {"training": torch.optim.Adam(self.network.parameters())}

        def loss(self, batch, turn):
            loss = torch.nn.functional.mse_loss(self.network(batch[0]), batch[1])
            if len(batch[0]) > self.largest:
                raise torch.OutOfMemoryError("no more")
            return loss

    norms = []
    for largest, parts in ((3, 1), (10, 4)):
        task = Normed(largest)
        stepper = loop._Stepper(task, torch.device("cpu"), False)
        stepper.parts = parts
        stepper._update(next(task.batches(np.random.default_rng(1))), "training")
        assert stepper.parts == 4
        norms.append(task.network[1].state_dict())
    assert norms[1]["num_batches_tracked"] == 4
    for name, tensor in norms[1].items():
        torch.testing.assert_close(norms[0][name], tensor, rtol=0, atol=0)


def test_one_sample_too_large_is_an_error():
    with pytest.raises(RecontrastError, match="one training sample alone"):
        run_line(largest=0)


def test_lost_loss_is_an_error():
    class Lost(Line):
        def loss(self, batch, turn):
            return super().loss(batch, turn) * float("nan")

    with pytest.raises(RecontrastError, match="training loss became nan in epoch 1; lower the recipe"):
        loop.train(Lost(), Run(), epochs=2)


def test_keeps_the_best_epoch_or_the_last_and_stops():
    class Worse(Line):
        errors = iter([5.0, 4.0, 3.0, 6.0, 7.0, 8.0, 9.0, 9.0])

        def validate(self):
            return next(self.errors)

    stop = partial(strips, length=1, rises=3)
    outcome = loop.train(Worse(), Run(), epochs=8, stop=stop)
    assert (outcome.best_epoch, len(outcome.losses)) == (3, 6)
    Worse.errors = iter([5.0, 4.0, 3.0, 6.0, 7.0, 8.0, 9.0, 9.0])
    task = Worse()
    outcome = loop.train(task, Run(), epochs=8, stop=stop, keep="last")
    assert (outcome.best_epoch, len(outcome.losses)) == (6, 6)
    for name, tensor in task.network.state_dict().items():
        np.testing.assert_array_equal(outcome.weights[name], tensor)


def test_strips_by_hand():
    stop = partial(strips, length=5, rises=3)
    # Ends of strips: 1, 2, 3, 4: three rises in a row at epoch 20, whatever happens inside the strips.
    errors = [9, 9, 9, 9, 1, 0, 9, 0, 9, 2, 0, 0, 0, 0, 3, 7, 7, 7, 7, 4]
    assert stop(errors)
    assert not any(stop(errors[:count]) for count in range(20))
    errors[14] = 2  # no rise: equal
    assert not stop(errors)
    assert not strips(range(100), length=5, rises=0)


@given(st.lists(st.floats(0, 10), max_size=40), st.integers(1, 6), st.integers(1, 4))
def test_strips_agree_with_their_recursive_definition(errors, length, rises):
    def stops(p, t):  # t counts epochs from 1
        if t % length or t - length < 1:
            return False
        rose = errors[t - 1] > errors[t - length - 1]
        return rose and (p == 1 or stops(p - 1, t - length))

    assert strips(errors, length=length, rises=rises) == (bool(errors) and stops(rises, len(errors)))


def test_patience():
    assert patience([3, 1, 2, 2], epochs=2)
    assert not patience([3, 1, 2], epochs=2)
    assert not patience([3, 1, 2], epochs=0)
    slow = [3, 2.9, 2.8, 2.7]
    assert patience(slow, epochs=3, least=0.5)
    assert not patience([*slow, 2.4], epochs=3, least=0.5)
    assert not patience(slow, epochs=3)


def test_rates():
    assert rate(0.1, "constant", 7, 10) == 0.1
    assert rate(0.1, "cosine", 1, 10) == 0.1
    assert rate(0.1, "cosine", 6, 10) == pytest.approx(0.05)
    assert 0 < rate(0.1, "cosine", 10, 10) < 0.005


def test_progress_within_an_epoch(monkeypatch, capsys):
    """A long epoch says where it is and how long all will take; what is behind of a resumed one counts as such."""
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    clock = iter([0.0, *np.repeat(np.arange(10.0, 200.0, 10.0), 3)])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    shown = progress.Progress(epochs=2, done=0, batches=40)
    shown.batch(41, 100)  # ten seconds for one batch of 200
    assert capsys.readouterr().out == "epoch 1/2, batch 41/100; 1590 s left\n"
    unknown = progress.Progress(epochs=2, done=0)
    unknown.batch(5)
    assert capsys.readouterr().out == "epoch 1/2, batch 5; ? left\n"


def test_lines_are_seldom_and_no_bar_goes_to_a_log(capsys):
    run_line(epochs=40)
    lines = capsys.readouterr().out.splitlines()
    assert 20 <= len(lines) <= 23
    assert all(line.startswith(("epoch ", "trained ")) for line in lines)
