"""The lesions of one session in numbers."""

from pathlib import Path

from .. import images, tables
from . import inputs
from .regions import NEAR, REGIONS, dark, label
from .template_space import read_way

DICTIONARY = {
    "region": {
        "Description": "Location of the lesions; each lesion has the first of these (after `all`) that applies",
        "Levels": {
            "all": "anywhere",
            "infratentorial": "in the brain stem or the cerebellum",
            "periventricular": f"within {NEAR:g} mm of the lateral ventricles",
            "juxtacortical": f"within {NEAR:g} mm of the cortex",
            "deep": "elsewhere",
        },
    },
    "number": {"Description": "Number of lesions, excluding those below the study's minimum volume"},
    "volume": {"Description": "Their total volume", "Units": "ml"},
    "largest": {"Description": "Volume of the largest; 0 if there are none", "Units": "ml"},
}


def describe_lesions(
    *,
    lesions: Path,
    mask: Path,
    output: Path,
    flair: Path | None = None,
    transform: Path | None = None,
    inverse_warp: Path | None = None,
    smallest: float = 0.0,
) -> None:
    """Count and measure lesions, in total and by location.

    Args:
        lesions: lesion mask; it may be empty.
        mask: brain mask on the same grid.
        output: table to write: region (all, periventricular, juxtacortical, deep, infratentorial), number of
            lesions, their total volume and that of the largest in ml; its data dictionary is written beside it as JSON.
        flair: FLAIR on the same grid, to find the session's own ventricles; without it, the template's are used.
        transform: ITK affine text, from the reference to the template; without it, they share world coordinates.
        inverse_warp: displacement field of `anatomy warp_template` from template to reference, if there is one.
        smallest: minimum volume of a lesion in ml; smaller ones do not count.

    Raises:
        RecontrastError: another grid, values other than 0 and 1, or lesions outside the brain.
    """
    image = images.read_header(lesions)
    brain = inputs.read_brain(mask, image)
    fluid = dark(inputs.read_on_grid(flair, image), brain) if flair else None
    way = read_way(transform, inverse_warp=inverse_warp)
    found = label(inputs.read_lesions(lesions, brain, image), image, way, fluid)
    voxel = inputs.voxel_volume(image)
    counted = [(region, size * voxel) for region, size in found if size * voxel >= smallest]
    rows = []
    for region in ("all", *REGIONS):
        volumes = [volume for where, volume in counted if region in ("all", where)]
        rows.append(
            {
                "region": region,
                "number": len(volumes),
                "volume": float(sum(volumes)),
                "largest": float(max(volumes, default=0.0)),
            }
        )
    tables.write_described(output, DICTIONARY, rows)
    print(f"{rows[0]['number']} lesions, {rows[0]['volume']:.2f} ml")
