"""Tissue maps: Atropos (Avants 2011, Neuroinformatics 9:381), k-means and a Markov field."""

import nibabel as nib
import numpy as np

from ..nipype_tools import put, run, take
from ..tissues import name_classes
from .tools import ants_for


def segment_tissue(image: nib.Nifti1Image, mask: nib.Nifti1Image, contrast: str) -> np.ndarray:
    """Probabilities of CSF, GM and WM.

    Arguments and result as `protocol.SegmentTissue` says.
    """
    inside = np.asarray(mask.dataobj) > 0
    data = image.get_fdata(dtype=np.float32)
    # A few extreme voxels can take a whole class for themselves.
    data = np.clip(data, *np.percentile(data[inside], (0.5, 99.5)))
    with ants_for("segment_tissue") as (ants, folder):
        found = run(
            ants.Atropos(
                dimension=3,
                intensity_images=[put(folder / "brain.nii.gz", data, image.affine)],
                mask_image=put(folder / "mask.nii.gz", inside, image.affine),
                initialization="KMeans",
                number_of_tissue_classes=3,
                likelihood_model="Gaussian",
                mrf_smoothing_factor=0.1,
                mrf_radius=[1, 1, 1],
                n_iterations=5,
                convergence_threshold=0,
                use_random_seed=False,
                out_classified_image_name="classes.nii.gz",
                save_posteriors=True,
                output_posteriors_name_template="class%02d.nii.gz",
                args="--verbose 1",
            ),
            folder,
        )
        classes = np.stack([take(one, image.shape) for one in found.posteriors])
    return name_classes(classes, data, inside, contrast)
