"""Sagittal knees as label images, of analytic shapes that differ from image to image."""

import numpy as np

REGIONS = (
    "fat", "muscle", "femur", "tibia", "patella", "cartilage", "meniscus", "ligament", "tendon", "fluid",
)  # fmt: skip
OEDEMA = "oedema"  # one label more, of those who have it
VARIATION = 0.06  # SD of every length and place, relative to the length or to a quarter of the image

Point = tuple[float, float]


def labels(rng: np.random.Generator, side: int = 128, oedema: bool = False) -> np.ndarray:
    """Draw one knee: 0 around it, and 1 to 10 in the order of `REGIONS`; uint8, shape (side, side).

    With `oedema` a part of the femur near the joint is 11; all else is as without it.

    The first axis points forwards, the second upwards. Shapes lie on top of each other in the order in which
    they are named here.
    """
    pen = _Pen(rng, side)
    pen.paint("fat", pen.band(0.0, 0.86))
    pen.paint("muscle", pen.band(-0.04, 0.70))
    pen.paint("fat", pen.ellipse((0.42, -0.16), (0.16, 0.22)))  # behind the tendon of the patella
    pen.paint("fluid", pen.ellipse((-0.04, -0.10), (0.52, 0.17)), pen.ellipse((0.40, 0.50), (0.06, 0.17)))
    condyle = pen.place((-0.06, 0.22)), pen.lengths(0.42, 0.30)
    plateau = pen.place((-0.06, -0.44)), pen.lengths(0.42, 0.20)
    thick = 0.06 * pen.factor()
    pen.paint("cartilage", pen.ellipse(*condyle, thick), pen.ellipse(*plateau, 0.8 * thick))
    pen.paint("femur", pen.ellipse(*condyle), pen.strip((-0.05, 1.5), (-0.02, 0.3), 0.22))
    pen.paint("tibia", pen.ellipse(*plateau), pen.strip((-0.12, -1.5), (-0.08, -0.5), 0.24))
    pen.paint("meniscus", pen.wedge((0.44, -0.11), 0.30), pen.wedge((-0.54, -0.11), -0.30))
    pen.paint("ligament", pen.strip((-0.26, 0.06), (0.12, -0.28), 0.05))
    pen.paint(
        "tendon", pen.strip((0.62, 0.15), (0.34, -0.55), 0.05), pen.strip((0.60, 0.40), (0.46, 1.5), 0.05)
    )
    (forward, upward), radii = pen.place((0.58, 0.27)), pen.lengths(0.11, 0.19)
    pen.paint("cartilage", pen.ellipse((forward - 0.05, upward), radii))
    pen.paint("patella", pen.ellipse((forward, upward), radii))
    if oedema:
        (forward, upward), radii = pen.place((-0.06, 0.10)), pen.lengths(0.20, 0.13)
        swollen = pen.ellipse((forward + pen.rng.uniform(-0.12, 0.12), upward), radii)
        pen.image[swollen & (pen.image == 1 + REGIONS.index("femur"))] = 1 + len(REGIONS)
    return pen.image


class _Pen:
    """Draws into a label image, in coordinates from -1 to 1 that are turned, scaled, moved and bent at random."""

    def __init__(self, rng: np.random.Generator, side: int) -> None:
        self.rng = rng
        self.image = np.zeros((side, side), np.uint8)
        axis = (np.arange(side) + 0.5) / side * 2 - 1
        forward, upward = np.meshgrid(axis, axis, indexing="ij")
        angle = np.deg2rad(rng.normal(0, 4))
        turned = (
            np.cos(angle) * forward + np.sin(angle) * upward,
            np.cos(angle) * upward - np.sin(angle) * forward,
        )
        bent = [self._wave(other) for other in turned[::-1]]
        size = self.factor()
        self.y, self.z = (
            size * axis + bend + rng.normal(0, VARIATION / 2) for axis, bend in zip(turned, bent, strict=True)
        )

    def factor(self) -> float:
        """A random number around 1."""
        return float(np.clip(1 + VARIATION * self.rng.standard_normal(), 0.85, 1.15))

    def place(self, point: Point) -> Point:
        """A point, moved a little."""
        return tuple(value + VARIATION / 4 * float(self.rng.uniform(-1, 1)) for value in point)

    def lengths(self, *lengths: float) -> tuple[float, ...]:
        """Lengths, each changed a little."""
        return tuple(length * self.factor() for length in lengths)

    def paint(self, region: str, *shapes: np.ndarray) -> None:
        """Give all pixels of some shapes to a region."""
        for shape in shapes:
            self.image[shape] = 1 + REGIONS.index(region)

    def band(self, middle: float, half: float) -> np.ndarray:
        """All heights, between two wavy lines."""
        edges = [half * self.factor() + self._wave(self.z) for _ in range(2)]
        return (self.y - middle < edges[0]) & (middle - self.y < edges[1])

    def ellipse(self, centre: Point, radii: Point, margin: float = 0.0) -> np.ndarray:
        """An ellipse of exactly this place and size, grown by a margin."""
        y, z = (
            (own - place) / (radius + margin)
            for own, place, radius in zip((self.y, self.z), centre, radii, strict=True)
        )
        return y**2 + z**2 < 1

    def strip(self, begin: Point, end: Point, width: float) -> np.ndarray:
        """All within half a width of the line between two points."""
        begin, end = np.array(self.place(begin)), np.array(self.place(end))
        along = (end - begin) / np.linalg.norm(end - begin)
        y, z = self.y - begin[0], self.z - begin[1]
        reach = np.clip(y * along[0] + z * along[1], 0, np.linalg.norm(end - begin))
        return np.hypot(y - reach * along[0], z - reach * along[1]) < width * self.factor() / 2

    def wedge(self, base: Point, length: float) -> np.ndarray:
        """A triangle that stands on a vertical base and points forwards (or backwards: a length below 0)."""
        y, z = self.place(base)
        depth = (y - self.y) / (length * self.factor())
        return (depth > 0) & (np.abs(self.z - z) < 0.13 * self.factor() * (1 - depth))

    def _wave(self, coordinate: np.ndarray) -> np.ndarray:
        """A slow sine of random phase."""
        phase, turns = self.rng.uniform(0, 2 * np.pi), self.rng.uniform(0.5, 1.2)
        return VARIATION / 2 * np.sin(np.pi * turns * coordinate + phase)
