"""What is known of a head: tissues, lesions, relaxation maps, tensors, in the anatomy's own pose."""

from pathlib import Path

import numpy as np

from .. import images
from ..layout import Session
from .acquisition import Scan, tensors
from .anatomy import Head
from .fibres import scalars
from .space import isotropic, resample, write_itk
from .tissues import BRAIN

SPACE = {"SpatialReference": "the head's own anatomy, in which truth is known"}


def write(folder: Path, session: Session, head: Head, voxel: float, *, diffusion: bool) -> None:
    """Write the truth of one session under `folder`, the derivatives data set.

    Args:
        voxel: voxel size in mm of the maps.
        diffusion: write tensors, fractional anisotropy and mean diffusivity too.
    """
    grid, same = isotropic(voxel), np.eye(4)
    start = f"{session.label}_space-anatomy"

    def save(name: str, data: np.ndarray, place: str = "anat", **facts: object) -> None:
        images.write(
            folder / session.folder / place / f"{start}_{name}.nii.gz", data, grid.image, facts=SPACE | facts
        )

    shares = {name: resample(head.full(name), head.grid, grid, same) for name in BRAIN}
    for name in BRAIN:
        save(f"label-{name}_probseg", shares[name].round(3))
    brain = resample(head.brain.astype(np.float32), head.grid, grid, same) >= 0.5
    save("desc-brain_mask", brain, Type="Brain")
    save("label-lesion_mask", shares["lesion"] >= 0.5, Type="Lesion")

    density, rates = np.zeros(head.grid.shape, np.float32), np.zeros((2, *head.grid.shape), np.float32)
    for part in head.compartments.values():
        density.flat[part.index] += part.fraction * part.pd
        for rate, time in zip(rates, (part.t1, part.t2), strict=True):
            rate.flat[part.index] += part.fraction * part.pd / time
    density, *rates = (resample(volume, head.grid, grid, same) for volume in (density, *rates))
    present = density > 0.02
    mixed = "the mean of the rates in the voxel, weighted by proton density"
    for name, rate in zip(("T1map", "T2map"), rates, strict=True):
        seconds = np.divide(density, 1000 * rate, out=np.zeros_like(density), where=present)
        save(name, seconds.round(5), Units="s", Description=mixed, SkullStripped=False)
    save(
        "PDmap",
        density.round(4),
        Units="arbitrary",
        Description="proton density, water = 1",
        SkullStripped=False,
    )

    if diffusion:
        tensor = np.zeros((*grid.shape, 6))
        points = grid.points().reshape(3, -1)
        for name, share in shares.items():
            where = np.flatnonzero(share * brain > 1e-3)
            tensor.reshape(-1, 6)[where] += share.flat[where][:, None] * tensors(head, name, points[:, where])
        anisotropy, mean = scalars(tensor)
        save(
            "model-DTI_param-tensor_dwimap",
            tensor.astype(np.float32),
            "dwi",
            Units="mm^2/s",
            Description="Dxx, Dxy, Dxz, Dyy, Dyz, Dzz in the axes R, A, S; weighted by each tissue's share",
        )
        save("model-DTI_param-FA_dwimap", anisotropy.astype(np.float32), "dwi")
        save("model-DTI_param-MD_dwimap", mean.astype(np.float32), "dwi", Units="mm^2/s")


def write_scan(folder: Path, session: Session, contrast: str, scan: Scan, head: Head) -> None:
    """Write the truth of one contrast: its pose as an ITK transform, its bias field and lesions on its own grid."""
    start = folder / session.folder / "anat" / session.label
    write_itk(Path(f"{start}_from-{contrast}_to-anatomy_mode-image_xfm.txt"), scan.pose)
    facts = {"Description": f"factor on the signal of {contrast}", "NoiseSD": round(scan.sigma, 4)}
    images.write(
        Path(f"{start}_space-{contrast}_desc-bias_map.nii.gz"),
        scan.bias.round(3),
        scan.grid.image,
        facts=facts,
    )
    if contrast == "FLAIR":  # on which lesions are drawn
        lesions = resample(head.full("lesion"), head.grid, scan.grid, scan.pose) >= 0.5
        name = Path(f"{start}_space-{contrast}_label-lesion_mask.nii.gz")
        images.write(name, lesions, scan.grid.image, facts={"Type": "Lesion", "SpatialReference": contrast})
