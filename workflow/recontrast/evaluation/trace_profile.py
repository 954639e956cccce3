"""Intensities along a line through the acquired image and every synthetic one."""

from pathlib import Path
from typing import Literal

import numpy as np

from .. import columns, images, tables
from ..errors import RecontrastError
from .profiles import profile

ACQUIRED = "acquired"  # stands where a synthetic image has its experiment
AXES = ("x", "y", "z")
DICTIONARY = {
    "participant_id": columns.PARTICIPANT,
    "session_id": columns.SESSION,
    "line": {"Description": "Name of the line in the study"},
    "target": {"Description": "Contrast of the image"},
    "experiment": {"Description": f"The experiment that made the image, or {ACQUIRED}"},
    "x": {"Description": "World coordinate of the point, from left to right", "Units": "mm"},
    "y": {"Description": "From back to front", "Units": "mm"},
    "z": {"Description": "From foot to head", "Units": "mm"},
    "distance": {"Description": "Distance from the start of the line", "Units": "mm"},
    "value": {"Description": "Intensity in the units of the prepared images; n/a outside the image"},
}


def trace_profile(
    *,
    line: str,
    mask: Path,
    output: Path,
    participant: str,
    session: str,
    contrasts: list[str],
    acquired: list[Path],
    experiments: list[str],
    targets: list[str],
    synthetic: list[Path],
    along: Literal["x", "y", "z"] = "x",
    start: list[float] = [],  # noqa: B006 - lists are read, never changed
    end: list[float] = [],  # noqa: B006
) -> None:
    """Sample intensities along a straight line, in acquired and synthetic images.

    Args:
        line: its name.
        mask: the region; without `start` and `end`, the line runs through its centre, from border to border.
        output: table to write, one row per image and point; its data dictionary is written beside it as JSON.
        participant: `sub-01`.
        session: `ses-1`, or n/a.
        contrasts: the acquired contrasts.
        acquired: their images, in the same order.
        experiments: the experiments with a synthetic image of one of these contrasts.
        targets: the target contrast of each experiment.
        synthetic: their images, in the same order, all on one grid.
        along: world axis of the line through the centre: x left to right, y back to front, z foot to head.
        start: the first point, world coordinates in mm.
        end: the last point.

    Raises:
        RecontrastError: the line lies outside the images, or grids differ.
    """
    grid = images.read_header(mask)
    inside = np.asarray(grid.dataobj).reshape(grid.shape[:3]) > 0
    ends = (np.array(start), np.array(end)) if start and end else middle(inside, grid.affine, along)
    shown = [*zip(contrasts, [ACQUIRED] * len(contrasts), acquired, strict=True)]
    shown += zip(targets, experiments, synthetic, strict=True)
    rows = []
    for target, name, path in shown:
        image = images.read(path)
        images.check_same_grid(path, image, grid)
        distances, values = profile(image.get_fdata(), image.affine, *ends)
        if np.isnan(values).all():
            raise RecontrastError(f"the line {line} lies outside it", file=path, remedy="give other points")
        points = ends[0] + np.outer(distances / (distances[-1] or 1), ends[1] - ends[0])
        about = {"participant_id": participant, "session_id": session, "line": line, "target": target}
        for point, distance, value in zip(points, distances, values, strict=True):
            where = dict(zip(AXES, point.tolist(), strict=True))
            row = {"experiment": name, "distance": float(distance), "value": float(value)}
            rows.append(about | where | row)
    tables.write_described(output, DICTIONARY, rows)
    print(f"{line}: {len(shown)} images along {distances[-1]:.1f} mm")


def middle(mask: np.ndarray, affine: np.ndarray, along: str) -> tuple[np.ndarray, np.ndarray]:
    """The ends of the line through the mean position of a mask along a world axis, where the mask ends.

    Args:
        mask: shape (x, y, z), not empty.
        affine: voxel to world, 4 x 4, in mm.
        along: x, y or z.
    """
    voxels = np.argwhere(mask)
    if not len(voxels):
        raise RecontrastError("the mask is empty", remedy="look at the mask of this session")
    world = voxels @ affine[:3, :3].T + affine[:3, 3]
    # Through the centre of a voxel, as the planes that are shown, so that values there are no averages.
    centre = affine[:3, :3] @ voxels.mean(axis=0).round() + affine[:3, 3]
    axis, ends = AXES.index(along), []
    for border in (world[:, axis].min(), world[:, axis].max()):
        end = centre.copy()
        end[axis] = border
        ends.append(end)
    return ends[0], ends[1]
