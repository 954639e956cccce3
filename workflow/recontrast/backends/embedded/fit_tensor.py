"""Tensor fit: dipy's least squares on the log signal, with the conventions of FSL's dtifit."""

import numpy as np

LOWEST = 0.01  # of S0; a signal below it is noise, and its logarithm would pull the fit
LARGEST = 60.0  # logarithm of S0
AT_ONCE = 20_000  # voxels


def fit_tensor(
    signal: np.ndarray, bvals: np.ndarray, vectors: np.ndarray, weighted: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The diffusion tensor of each voxel, by linear least squares on the logarithm of the signal.

    As dtifit does: a first fit gives S0 (the largest signal, where the fit falls below the mean one); signals
    below a hundredth of it are raised to that, and the fit is repeated; S0 is not let below the mean signal.

    Arguments and result as `protocol.FitTensor` says.

    Source: Basser 1994, J Magn Reson B 103:247; library dipy (Garyfallidis 2014, Front Neuroinform 8:8).
    """
    from dipy.core.gradients import gradient_table
    from dipy.reconst.dti import design_matrix

    # Scanners give unweighted volumes small b-values of their own, and no direction.
    weightings = np.where(np.linalg.norm(vectors, axis=1) > 0, bvals, 0.0)
    matrix = design_matrix(gradient_table(weightings, bvecs=vectors, b0_threshold=0.0, atol=0.02))
    parts = [
        _fit(signal[start : start + AT_ONCE].astype(np.float64), matrix, weighted)
        for start in range(0, len(signal), AT_ONCE)
    ]
    tensor, s0 = (np.concatenate(part) for part in zip(*parts, strict=True))
    return tensor, s0


def _fit(signal: np.ndarray, matrix: np.ndarray, weighted: bool) -> tuple[np.ndarray, np.ndarray]:
    from dipy.reconst.dti import ols_fit_tensor, wls_fit_tensor

    mean, largest = signal.mean(axis=1), signal.max(axis=1)
    # dtifit takes 0 for the logarithm of no signal; a signal of 1 is too much only where images are scaled.
    least = np.clip(LOWEST * mean, np.finfo(np.float32).tiny, 1.0)[:, None]
    positive = np.where(signal > 0, signal, least)
    first, _ = ols_fit_tensor(matrix, positive, return_lower_triangular=True)
    s0 = unweighted(first)
    s0 = np.where(s0 < mean, largest, s0)
    raised = np.maximum(positive, LOWEST * s0[:, None])
    if weighted:
        second, _ = wls_fit_tensor(matrix, raised, weights=positive**2, return_lower_triangular=True)
    else:
        second, _ = ols_fit_tensor(matrix, raised, return_lower_triangular=True)
    # dipy's order is Dxx, Dxy, Dyy, Dxz, Dyz, Dzz.
    return second[:, [0, 1, 3, 2, 4, 5]], np.maximum(unweighted(second), mean)


def unweighted(fit: np.ndarray) -> np.ndarray:
    """S0 of a fit, whose last parameter is minus its logarithm; bounded, since a bad fit has no bounds."""
    return np.exp(np.minimum(-fit[:, 6], LARGEST))
