"""Signal equations of the pulse sequences: what a voxel of known T1, T2 and proton density gives.

Every function works on numbers or arrays that broadcast against each other. All times (`t1`, `t2`, `tr`,
`te`, `ti`, ...) are in one unit, milliseconds throughout this product; flip angles are in degrees; the
signal has the unit of `pd`. Signals are signed where a magnetisation can be negative: the scanner's
magnitude image is the absolute value, taken after partial volumes are added up.
"""

from collections.abc import Sequence

import numpy as np

Array = np.ndarray | float


def impossible(tr: float, te: float, ti: Sequence[float]) -> str:
    """Why no sequence has these times, or nothing."""
    if len(ti) > 2:
        return f"{len(ti)} inversion times, where two are the most"
    if min(tr, te, *ti) < 0 or te >= tr or sum(ti) >= tr:
        times = ", ".join(f"{one:g}" for one in ti)
        inversions = f" and TI {times}" if ti else ""
        return (
            f"no sequence has TR {tr:g}, TE {te:g}{inversions} ms: TR is above TE, and above all TI together"
        )
    return ""


def spin_echo(pd: Array, t1: Array, t2: Array, *, tr: float, te: float) -> Array:
    """Spin echo: pd (1 − exp(−TR/T1)) exp(−TE/T2).

    Source: Kim 2020, Bloch simulation; Bernstein, Handbook of MRI Pulse Sequences (2004), 14.3, for TE << TR.
    """
    return pd * -np.expm1(-tr / t1) * np.exp(-te / t2)


def gradient_echo(pd: Array, t1: Array, t2_star: Array, *, tr: float, te: float, flip: float) -> Array:
    """Spoiled gradient echo: pd sin a (1 − E1) / (1 − cos a E1) exp(−TE/T2*), with E1 = exp(−TR/T1).

    Source: Ernst and Anderson 1966; Kim 2020, Bloch simulation.
    """
    angle = np.deg2rad(flip)
    recovery = np.exp(-tr / t1)
    return pd * np.sin(angle) * (1 - recovery) / (1 - np.cos(angle) * recovery) * np.exp(-te / t2_star)


def inversion_recovery(pd: Array, t1: Array, t2: Array, *, tr: float, te: float, ti: float) -> Array:
    """Inversion recovery with spin-echo readout: pd (1 − 2 exp(−TI/T1) + exp(−TR/T1)) exp(−TE/T2), signed.

    FLAIR with a TI that nulls water, STIR with one that nulls fat.
    Source: Hagiwara 2019 (synthetic FLAIR); Kim 2020 (STIR).
    """
    return pd * (1 - 2 * np.exp(-ti / t1) + np.exp(-tr / t1)) * np.exp(-te / t2)


def double_inversion_recovery(
    pd: Array, t1: Array, t2: Array, *, tr: float, te: float, ti_first: float, ti_second: float
) -> Array:
    """Two inversions before a spin echo, signed.

    pd (1 − 2 exp(−TI2/T1) + 2 exp(−(TI1 + TI2)/T1) − exp(−TR/T1)) exp(−TE/T2), TI1 from the first inversion
    to the second, TI2 from there to the excitation.
    Source: Redpath and Smith 1994, Br J Radiol 67:1258.
    """
    longitudinal = (
        1 - 2 * np.exp(-ti_second / t1) + 2 * np.exp(-(ti_first + ti_second) / t1) - np.exp(-tr / t1)
    )
    return pd * longitudinal * np.exp(-te / t2)


def saturation_recovery(
    pd: Array,
    t1: Array,
    t2: Array,
    *,
    tr: float,
    te: float,
    delay: float,
    saturation: float = 120.0,
    flip: float = 90.0,
) -> Array:
    """One image of a multi-delay multi-echo scan in its steady state, signed.

    pd exp(−TE/T2) (1 − (1 − cos θ) exp(−TD/T1) − cos θ exp(−TR/T1)) / (1 − cos α cos θ exp(−TR/T1)), TD the
    delay after the saturation pulse θ, α the excitation.
    Source: Warntjes 2008, Magn Reson Med 60:320, equation 1; pulse angles inferred from there.
    """
    theta, alpha = np.deg2rad(saturation), np.deg2rad(flip)
    repeated = np.exp(-tr / t1)
    longitudinal = (1 - (1 - np.cos(theta)) * np.exp(-delay / t1) - np.cos(theta) * repeated) / (
        1 - np.cos(alpha) * np.cos(theta) * repeated
    )
    return pd * longitudinal * np.exp(-te / t2)


def diffusion(s0: Array, tensor: np.ndarray, *, b: float, direction: np.ndarray) -> Array:
    """Diffusion weighting of one tensor: s0 exp(−b gᵀ D g).

    Args:
        s0: signal without weighting, shape (...).
        tensor: Dxx, Dxy, Dxz, Dyy, Dyz, Dzz in mm²/s, shape (..., 6).
        b: in s/mm².
        direction: unit vector g, shape (3,), in the axes of the tensor.

    Source: Basser 1994, Biophys J 66:259.
    """
    x, y, z = direction
    weights = np.array([x * x, 2 * x * y, 2 * x * z, y * y, 2 * y * z, z * z])
    return s0 * np.exp(-b * (tensor @ weights))


def from_rates(
    pd: np.ndarray, r1: np.ndarray, r2: np.ndarray, *, tr: float, te: float, ti: Sequence[float] = ()
) -> np.ndarray:
    """The magnitude image of a spin echo after as many inversions as there are in `ti`, float32.

    Args:
        pd: proton density; zero or less is empty, and so is the image there.
        r1, r2: rates in 1/s, of the shape of `pd`.
        tr, te: in ms.
        ti: none, one or two times in ms, from the first inversion to the second and from there to the excitation.
    """
    # Interpolation may leave a rate without proton density, or the reverse.
    there = (pd > 0) & (r1 > 0) & (r2 > 0)
    tissue = pd[there], 1000 / r1[there], 1000 / r2[there]
    if len(ti) == 2:
        signal = double_inversion_recovery(*tissue, tr=tr, te=te, ti_first=ti[0], ti_second=ti[1])
    elif ti:
        signal = inversion_recovery(*tissue, tr=tr, te=te, ti=ti[0])
    else:
        signal = spin_echo(*tissue, tr=tr, te=te)
    image = np.zeros(pd.shape, np.float32)
    image[there] = np.abs(signal)
    return image


def rician(signal: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """The magnitude image of a signed signal with Gaussian noise of SD `sigma` in both channels.

    Source: Gudbjartsson and Patz 1995, Magn Reson Med 34:910.
    """
    return np.hypot(
        signal + sigma * rng.standard_normal(signal.shape), sigma * rng.standard_normal(signal.shape)
    )
