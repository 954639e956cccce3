"""T1, T2 and proton density from multi-delay multi-echo signals: maximum likelihood in Rician noise.

A search over T1 on a grid gives the start; Gauss–Newton steps refine it, every voxel at once. In magnitude
images noise pushes small signals up: before each step, every measured magnitude is replaced by what it would
be on the model's own axis, were the noise of the other channel gone (expectation maximisation).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import i0e, i1e

from .signals import saturation_recovery

T1_RANGE, T2_RANGE = (50.0, 10_000.0), (5.0, 5_000.0)  # ms
CANDIDATES = 240
STEPS = 25
LARGEST_STEP = 0.5  # in the logarithm of a parameter
SETTLED = 1e-5  # a step below this, in the logarithm, ends the search
AT_ONCE = 100_000  # voxels
SAMPLE = 4_000  # voxels that the noise is estimated on
ROUNDS = 8  # of estimating it
NEGLIGIBLE = 1e-5  # of the largest signal; no scanner has so little noise


@dataclass(frozen=True)
class Acquisition:
    """What one voxel's signals depend on beside its tissue; times in milliseconds, angles in degrees.

    Attributes:
        echoes: echo time of each image, shape (n,).
        delays: time from the saturation pulse to the excitation, shape (n,).
        repetition: repetition time.
        saturation: angle of the saturation pulse.
        excitation: angle of the excitation pulse.
    """

    echoes: np.ndarray
    delays: np.ndarray
    repetition: float
    saturation: float = 120.0
    excitation: float = 90.0


def fit(signals: np.ndarray, acquisition: Acquisition) -> tuple[np.ndarray, float]:
    """T1 and T2 in ms and proton density in the unit of the signals, and the noise's standard deviation.

    Args:
        signals: magnitudes, shape (voxels, n), in the order of the acquisition.

    Returns:
        Array (voxels, 3) of proton density, T1, T2; zeros where there is no signal. The noise.

    Source: signal equation: Warntjes 2008, Magn Reson Med 60:320. Separation of the linear parameter: Golub
    and Pereyra 2003, Inverse Problems 19:R1. Expectation maximisation for Rician data: Solo and Noh 2007,
    IEEE ISBI, 252.
    """
    found = np.zeros((len(signals), 3))
    there = np.flatnonzero((signals > 0).any(axis=1))
    if not len(there):
        return found, 0.0
    sample = there[:: max(len(there) // SAMPLE, 1)]
    sigma = noise(signals[sample].astype(np.float64), acquisition)
    for start in range(0, len(there), AT_ONCE):
        part = there[start : start + AT_ONCE]
        measured = signals[part].astype(np.float64)
        found[part] = refine(measured, search(measured, acquisition), acquisition, sigma)
    return found, sigma


def noise(signals: np.ndarray, acquisition: Acquisition) -> float:
    """The noise's standard deviation, the same for all voxels: a median of what their fits leave over."""
    from scipy.stats import chi2

    count = signals.shape[1]
    # Without noise in the other channel this would be the median of a chi-squared sum alone.
    expected = chi2.ppf(0.5, count - 3) + count
    found, sigma = refine(signals, search(signals, acquisition), acquisition, 0.0), 0.0
    for _ in range(ROUNDS):
        predicted, _ = model(np.log(found), acquisition)
        if sigma == 0:
            squares = ((signals - np.abs(predicted)) ** 2).sum(axis=1)
            sigma = float(np.sqrt(np.median(squares) / (expected - count)))
        else:
            along = corrected(signals, predicted, sigma) * predicted
            squares = (signals**2 + predicted**2 - 2 * along).sum(axis=1)
            sigma = float(np.sqrt(max(np.median(squares), 0) / expected))
        if sigma < NEGLIGIBLE * signals.max():
            return 0.0
        found = refine(signals, found, acquisition, sigma)
    return sigma


def search(signals: np.ndarray, acquisition: Acquisition) -> np.ndarray:
    """A first estimate: T2 from the ratio of the echoes, T1 as the best of a grid; (voxels, 3) as in `fit`."""
    echoes = np.unique(acquisition.echoes)
    delays = np.unique(acquisition.delays)
    table = np.zeros((len(signals), len(delays), len(echoes)))
    for column in range(signals.shape[1]):
        row = np.searchsorted(delays, acquisition.delays[column])
        table[:, row, np.searchsorted(echoes, acquisition.echoes[column])] = signals[:, column]
    first, last = table[..., 0], table[..., -1]
    ratio = (first * last).sum(axis=1) / np.maximum((first**2).sum(axis=1), np.finfo(float).tiny)
    span = echoes[-1] - echoes[0]
    t2 = np.clip(-span / np.log(np.clip(ratio, 1e-12, 1 - 1e-6)), *T2_RANGE)
    decay = np.exp(-echoes / t2[:, None])
    amplitude = np.einsum("vde,ve->vd", table, decay) / (decay**2).sum(axis=1)[:, None]
    t1 = np.geomspace(*T1_RANGE, CANDIDATES)
    shapes = np.abs(recovery(t1[:, None], delays, acquisition))
    squares = (shapes**2).sum(axis=1)
    explained = (amplitude @ shapes.T) ** 2 / squares
    best = explained.argmax(axis=1)
    density = (amplitude * shapes[best]).sum(axis=1) / squares[best]
    return np.column_stack([np.maximum(density, np.finfo(float).tiny), t1[best], t2])


def refine(signals: np.ndarray, start: np.ndarray, acquisition: Acquisition, sigma: float) -> np.ndarray:
    """Gauss–Newton steps in the logarithms of the parameters, from `start`, both shaped (voxels, 3)."""
    lowest = np.log([np.finfo(float).tiny, T1_RANGE[0], T2_RANGE[0]])
    highest = np.log([np.finfo(float).max, T1_RANGE[1], T2_RANGE[1]])
    found, moving = np.log(start), np.arange(len(start))
    for _ in range(STEPS):
        predicted, slopes = model(found[moving], acquisition)
        left = corrected(signals[moving], predicted, sigma) - predicted
        normal = np.einsum("vni,vnj->vij", slopes, slopes)
        # A parameter that the signals say nothing about stays where it is.
        normal[:, range(3), range(3)] *= 1 + 1e-9
        normal[:, range(3), range(3)] += 1e-12 * np.trace(normal, axis1=1, axis2=2)[:, None] + 1e-300
        step = np.linalg.solve(normal, np.einsum("vni,vn->vi", slopes, left)[..., None])[..., 0]
        step = np.clip(step, -LARGEST_STEP, LARGEST_STEP)
        before = found[moving]
        found[moving] = np.clip(before + step, lowest, highest)
        moving = moving[np.abs(found[moving] - before).max(axis=1) > SETTLED]
        if not len(moving):
            break
    return np.exp(found)


def model(logarithms: np.ndarray, acquisition: Acquisition) -> tuple[np.ndarray, np.ndarray]:
    """Signed signals (voxels, n), and their slopes (voxels, n, 3) by the logarithms of PD, T1 and T2."""
    density, t1, t2 = np.exp(logarithms).T[..., None]
    weight = density * np.exp(-acquisition.echoes / t2)
    signal = weight * recovery(t1, acquisition.delays, acquisition)
    small = 1e-4
    by_t1 = recovery(t1 * np.exp(small), acquisition.delays, acquisition)
    by_t1 -= recovery(t1 * np.exp(-small), acquisition.delays, acquisition)
    return signal, np.stack([signal, weight * by_t1 / (2 * small), signal * acquisition.echoes / t2], axis=-1)


def recovery(t1: np.ndarray, delays: np.ndarray, acquisition: Acquisition) -> np.ndarray:
    """The signed magnetisation after each delay, for proton density 1 and no decay; shape (..., delays)."""
    return saturation_recovery(
        1.0,
        t1,
        1.0,
        tr=acquisition.repetition,
        te=0.0,
        delay=delays,
        saturation=acquisition.saturation,
        flip=acquisition.excitation,
    )


def corrected(magnitudes: np.ndarray, predicted: np.ndarray, sigma: float) -> np.ndarray:
    """Expected signed signal, given its magnitude and the model: magnitude × I1(z)/I0(z), z = magnitude × model/σ²."""
    if sigma == 0:
        return magnitudes * np.sign(predicted)
    z = magnitudes * predicted / sigma**2
    return magnitudes * np.sign(z) * i1e(np.abs(z)) / i0e(np.abs(z))
