"""What knees are made of: relaxation times at 3 T that stay the same from image to image of a person.

Sources: T1 and T2 of fat, marrow, muscle, cartilage and fluid: Gold et al. 2004 (AJR 183:343), knees at 3 T, rounded.
T2 of menisci: Rauscher et al. 2008 (Radiology 249:591), at 3 T, rounded. All else is inferred, and so are the proton
densities: T2* as a part of T2; T1 of menisci, and the short times of ligament and tendon, so that they are dark in
every image; bone marrow oedema as marrow with water, brighter in STIR than muscle and darker than fluid.
"""

from dataclasses import dataclass

import numpy as np

SPREAD = 0.03  # SD between people of every value, relative to it


@dataclass(frozen=True)
class Tissue:
    """Proton density, relative to fluid, and relaxation times in ms."""

    pd: float
    t1: float
    t2: float
    t2_star: float


TISSUES = {
    "fat": Tissue(0.90, 370, 133, 40),
    "marrow": Tissue(0.85, 365, 133, 20),
    "muscle": Tissue(0.80, 1420, 32, 24),
    "cartilage": Tissue(0.75, 1240, 37, 22),
    "meniscus": Tissue(0.60, 900, 11, 6),
    "ligament": Tissue(0.55, 800, 8, 4),
    "tendon": Tissue(0.50, 700, 5, 2),
    "fluid": Tissue(1.00, 3620, 767, 300),
    "oedema": Tissue(0.90, 900, 75, 30),
}
# Which of them a region of the label images is made of, where the name does not say it.
MADE_OF = {"femur": "marrow", "tibia": "marrow", "patella": "marrow"}


def typical(rng: np.random.Generator, regions: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Draw the tissues of one person: `pd`, `t1`, `t2` and `t2_star` of each region, arrays (regions,)."""
    factors = {
        name: 1 + SPREAD * np.clip(rng.standard_normal(4), -2, 2) for name in TISSUES
    }  # of all, so that a person without oedema has the tissues of the same one with it
    made_of = [MADE_OF.get(region, region) for region in regions]
    values = np.array([factors[name] * list(vars(TISSUES[name]).values()) for name in made_of])
    return dict(zip(("pd", "t1", "t2", "t2_star"), values.round(4).T, strict=True))
