"""Which installed packages each operation of the embedded backend rests on."""

from functools import cache
from importlib.metadata import version

PACKAGES = {
    "correct_bias": ("antspyx", "scikit-image", "scipy", "numpy"),
    "extract_brain": ("brainextractor", "numba", "antspyx", "nilearn", "scikit-image", "scipy", "numpy"),
    "register": ("antspyx", "scikit-image", "scipy", "numpy"),
    "apply_transform": ("scipy", "numpy"),
    "segment_tissue": ("antspyx", "numpy"),
    "register_template": ("antspyx", "nilearn", "scipy", "numpy"),
    "warp_template": ("antspyx", "nilearn", "scipy", "numpy"),
    "correct_motion": ("antspyx", "scipy", "numpy"),
    "fit_tensor": ("dipy", "numpy"),
}


installed = cache(version)  # each look-up reads a file


def versions(operation: str) -> dict[str, str]:
    """Version by package name, from the installed metadata."""
    return {package: installed(package) for package in PACKAGES[operation]}
