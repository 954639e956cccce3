"""What tissues are made of: relaxation times, proton density and diffusion at 3 T, with their sources."""

from dataclasses import dataclass

import numpy as np

from .. import signals

# The FLAIR of Hagiwara 2019: its inversion time nulls water of T1 4235 ms.
FLAIR_TR, FLAIR_TE, FLAIR_TI = 9000.0, 124.0, 2472.0


@dataclass(frozen=True)
class Tissue:
    """Mean properties of a tissue.

    Attributes:
        t1, t2, t2_star: milliseconds.
        pd: proton density relative to water.
        diffusivity: mean diffusivity in mm²/s.
    """

    t1: float
    t2: float
    t2_star: float
    pd: float
    diffusivity: float


# T1, T2 and T2* of grey and white matter: Wansapura 1999, J Magn Reson Imaging 9:531 (grey T2: Stanisz 2005,
# Magn Reson Med 54:507). Water: Rooney 2007, Magn Reson Med 57:308 (T1); Spijkerman 2018, MAGMA 31:415 (T2).
# Muscle and fat: Gold 2004, Am J Roentgenol 183:343. Bone: Du 2010, Magn Reson Imaging 28:178. Proton
# density: Tofts, Quantitative MRI of the Brain (2003), chapter 4. Diffusivity: Pierpaoli 1996, Radiology
# 201:637.
TISSUES = {
    "WM": Tissue(t1=832, t2=80, t2_star=47, pd=0.70, diffusivity=0.75e-3),
    "GM": Tissue(t1=1331, t2=99, t2_star=48, pd=0.82, diffusivity=0.85e-3),
    "CSF": Tissue(t1=4235, t2=2000, t2_star=1000, pd=1.0, diffusivity=3.0e-3),
    "bone": Tissue(t1=223, t2=0.5, t2_star=0.4, pd=0.2, diffusivity=0.1e-3),
    "muscle": Tissue(t1=1420, t2=32, t2_star=25, pd=0.8, diffusivity=1.5e-3),
    "fat": Tissue(t1=371, t2=133, t2_star=40, pd=0.9, diffusivity=0.05e-3),
}
BRAIN = ("WM", "GM", "CSF", "lesion")
LESION_DIFFUSIVITY = 1.1e-3  # Werring 1999, Neurology 52:1626


def individual(rng: np.random.Generator) -> dict[str, Tissue]:
    """The tissues of one participant: 2 % (SD) of variation in relaxation times, 1 % in PD; none in water."""
    return {
        name: mean
        if name == "CSF"
        else Tissue(
            t1=mean.t1 * (1 + 0.02 * rng.standard_normal()),
            t2=mean.t2 * (1 + 0.02 * rng.standard_normal()),
            t2_star=mean.t2_star * (1 + 0.02 * rng.standard_normal()),
            pd=mean.pd * (1 + 0.01 * rng.standard_normal()),
            diffusivity=mean.diffusivity * (1 + 0.02 * rng.standard_normal()),
        )
        for name, mean in TISSUES.items()
    }


def lesion(rng: np.random.Generator, white_matter: Tissue, ratio: float) -> Tissue:
    """One lesion, as bright in FLAIR as `ratio` times this participant's white matter.

    T1 and proton density are drawn over what is seen in multiple sclerosis (Vrenken 2006, Radiology
    240:811), so that lesions of one FLAIR brightness differ in T1w: the T2 that gives the brightness follows
    from the FLAIR equation.
    """
    t1, pd = rng.uniform(1150, 1750), rng.uniform(0.78, 0.92)
    sequence = dict(tr=FLAIR_TR, ti=FLAIR_TI)
    bright = ratio * signals.inversion_recovery(
        white_matter.pd, white_matter.t1, white_matter.t2, te=FLAIR_TE, **sequence
    )
    undecayed = signals.inversion_recovery(pd, t1, 1.0, te=0.0, **sequence)
    t2 = FLAIR_TE / np.log(undecayed / bright)
    return Tissue(t1=t1, t2=t2, t2_star=0.6 * t2, pd=pd, diffusivity=LESION_DIFFUSIVITY)
