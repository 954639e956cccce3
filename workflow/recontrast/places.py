"""Where the product's own files lie, and where results may: never among raw data."""

from collections.abc import Iterable
from pathlib import Path

from .errors import RecontrastError

# A checkout has the graph at its root, a wheel inside the package.
PACKAGE = Path(__file__).parent
ROOT = PACKAGE.parents[1] if (PACKAGE.parents[1] / "Snakefile").is_file() else PACKAGE / "workflow"


def check_output(output: Path, datasets: Iterable[Path]) -> None:
    """Raise if the output folder lies in a data set, other than under its `derivatives/`; links are followed."""
    real = output.expanduser().resolve()
    for dataset in datasets:
        place = dataset.expanduser().resolve()
        if real == place or (place in real.parents and "derivatives" not in real.relative_to(place).parts):
            raise RecontrastError(
                f"the output folder {output} lies inside the input",
                file=dataset,
                remedy="put it elsewhere, or under its derivatives/",
            )
