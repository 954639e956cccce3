"""BET's surface on a digital head, moved by our compiled loop and by the package's own.

Run as a script. Prints the median time of a step of both, measured in one run on one CPU thread, and how far apart the
vertices are afterwards.
"""

import argparse
import contextlib
import io

import nibabel as nib
import numpy as np
from brainextractor import BrainExtractor
from measuring import head, machine, median_seconds
from recontrast.backends.embedded import bet_surface

SHAPE = (90, 110, 80)  # a head in cubes of 2 mm


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    made = head(SHAPE, 1, brain=(70, 85, 65))
    image = nib.Nifti1Image(np.where(made.mask, made.inputs[0], 20.0), np.diag([2.0, 2.0, 2.0, 1.0]))
    print(machine(1, "cpu"))
    with contextlib.redirect_stdout(io.StringIO()):
        theirs, ours = BrainExtractor(image), BrainExtractor(image)
        slow = median_seconds(lambda: theirs.run(options.steps), options.repeats) / options.steps
        fast = (
            median_seconds(lambda: bet_surface.deform(ours, options.steps), options.repeats) / options.steps
        )
    apart = np.linalg.norm(theirs.vertices - ours.vertices, axis=1)
    print(f"a step: the package {slow * 1e3:.1f} ms, ours {fast * 1e3:.1f} ms, ratio {slow / fast:.1f}")
    print(f"after {options.steps * (options.repeats + 1)} steps {apart.mean():.1e} voxels apart in the mean")


if __name__ == "__main__":
    main()
