"""Relaxation rates and proton density of every voxel, from a multi-delay multi-echo acquisition."""

from pathlib import Path

import numpy as np

from .. import images as image_files
from .. import relaxation
from .acquisition import gather


def fit_relaxation(
    *,
    images: list[Path],
    r1: Path,
    r2: Path,
    pd: Path,
    mask: Path | None = None,
    echo_times: list[float] | None = None,
    delays: list[float] | None = None,
    repetition_time: float | None = None,
    saturation_angle: float = 120.0,
    excitation_angle: float = 90.0,
) -> None:
    """Fit relaxation rates R1 and R2 and proton density in each voxel.

    The images are magnitude images as acquired, on one grid, without bias correction: the coil sensitivity
    remains in the proton density and cancels in the rates.

    Args:
        images: one for each delay and echo, for example four delays by two echoes.
        r1: longitudinal relaxation rate 1/T1 to write, in 1/s.
        r2: transverse relaxation rate 1/T2 to write, in 1/s.
        pd: proton density to write, in the units of the images.
        mask: where to fit, on the grid of the images; everywhere if not given.
        echo_times: of each image, in ms; if not given, from the JSON sidecars.
        delays: of each image, from saturation to excitation, in ms; likewise (SaturationDelayTime).
        repetition_time: in ms; likewise.
        saturation_angle: of the saturation pulse, in degrees.
        excitation_angle: of the excitation pulse, in degrees.

    Raises:
        RecontrastError: an image is missing, or a setting is not known.
    """
    acquisition = gather(images, echo_times, delays, repetition_time, saturation_angle, excitation_angle)
    grid = image_files.read_header(images[0])
    where = np.ones(grid.shape[:3], bool)
    if mask is not None:
        region = image_files.read(mask)
        image_files.check_same_grid(mask, region, grid)
        where = np.asarray(region.dataobj) > 0
    signals = np.empty((where.sum(), len(images)), np.float32)
    for column, path in enumerate(images):
        image = image_files.read(path)
        image_files.check_same_grid(path, image, grid)
        signals[:, column] = np.asarray(image.dataobj)[where]
    found, sigma = relaxation.fit(signals, acquisition)
    density, t1, t2 = found.T
    there = density > 0
    print(
        f"{images[0]}: {there.sum()} voxels, noise {sigma:.4g}, median T1 {np.median(t1[there]):.0f} ms,"
        f" median T2 {np.median(t2[there]):.0f} ms"
    )
    facts = {
        "Sources": [str(path) for path in [*images, mask] if path],
        "EchoTime": (acquisition.echoes / 1000).round(6).tolist(),
        "SaturationDelayTime": (acquisition.delays / 1000).round(6).tolist(),
        "RepetitionTime": acquisition.repetition / 1000,
        "SaturationAngle": saturation_angle,
        "FlipAngle": excitation_angle,
        "NoiseSD": sigma,
        "EstimationAlgorithm": "maximum likelihood, Rician noise",
    }
    for path, values, unit in ((r1, rate(t1), "1/s"), (r2, rate(t2), "1/s"), (pd, density, "arbitrary")):
        image = np.zeros(where.shape, np.float32)
        image[where] = values
        image_files.write(path, image, grid, facts=facts | {"Units": unit})


def rate(time: np.ndarray) -> np.ndarray:
    """The rate in 1/s of a relaxation time in ms; zero where there is none."""
    return np.divide(1000, time, out=np.zeros_like(time), where=time > 0)
