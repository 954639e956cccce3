"""Tensor fit: dipy's least squares on the log signal, with the conventions of FSL's dtifit."""

import numpy as np

LOWEST = 0.01  # of S0; a signal below it is noise, and its logarithm would pull the fit
AT_ONCE = 20_000  # voxels


def fit_tensor(
    signal: np.ndarray, bvals: np.ndarray, vectors: np.ndarray, weighted: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The diffusion tensor of each voxel, by linear least squares on the logarithm of the signal.

    As dtifit does: a first fit gives S0; signals below a hundredth of it are raised to that, and the fit is
    repeated; S0 is not let below the mean signal. Weights are the squares of the signals so raised.

    Args:
        signal: shape (voxels, n).
        bvals: in s/mm², shape (n,).
        vectors: unit vectors, zero where there is no weighting, shape (n, 3).
        weighted: by the squared signal; else ordinary least squares.

    Returns:
        Dxx, Dxy, Dxz, Dyy, Dyz, Dzz in mm²/s, in the axes of the vectors, shape (voxels, 6), and S0.

    Source: Basser 1994, J Magn Reson B 103:247; library dipy (Garyfallidis 2014, Front Neuroinform 8:8).
    """
    from dipy.core.gradients import gradient_table
    from dipy.reconst.dti import design_matrix

    matrix = design_matrix(gradient_table(bvals, bvecs=vectors, b0_threshold=float(bvals.min()), atol=0.02))
    parts = [
        _fit(signal[start : start + AT_ONCE].astype(np.float64), matrix, weighted)
        for start in range(0, len(signal), AT_ONCE)
    ]
    tensor, s0 = (np.concatenate(part) for part in zip(*parts, strict=True))
    return tensor, s0


def _fit(signal: np.ndarray, matrix: np.ndarray, weighted: bool) -> tuple[np.ndarray, np.ndarray]:
    from dipy.reconst.dti import ols_fit_tensor, wls_fit_tensor

    mean = signal.mean(axis=1)
    # Without any signal there is nothing to take the logarithm of.
    floor = np.maximum(LOWEST * mean, np.finfo(np.float32).tiny)[:, None]
    first, _ = ols_fit_tensor(matrix, np.maximum(signal, floor), return_lower_triangular=True)
    s0 = np.maximum(np.exp(np.minimum(-first[:, 6], 60.0)), mean)
    raised = np.maximum(signal, np.maximum(LOWEST * s0[:, None], floor))
    if weighted:
        second, _ = wls_fit_tensor(matrix, raised, weights=raised**2, return_lower_triangular=True)
    else:
        second, _ = ols_fit_tensor(matrix, raised, return_lower_triangular=True)
    s0 = np.maximum(np.exp(np.minimum(-second[:, 6], 60.0)), mean)
    # dipy's order is Dxx, Dxy, Dyy, Dxz, Dyz, Dzz.
    return second[:, [0, 1, 3, 2, 4, 5]], s0
