"""The three losses of Kim et al. 2020 (CC-DNN, section 2.6): intensity, small misregistration, local statistics.

Images are float tensors of shape (samples, rows, columns); `weights` of the same shape counts pixels (a mask, or
what is no padding), and None counts all. Windows are odd and end where the tensors end.
"""

import torch
from torch.nn import functional

EPSILON = 1e-6  # of a variance; images lie between 0 and 1, so SDs below a thousandth of that do not matter
BLOCK = 2**14  # pixels at a time on a CPU: the minimum over the window then stays in the cache


def c1(prediction: torch.Tensor, label: torch.Tensor, weights: torch.Tensor | None = None) -> torch.Tensor:
    """Mean squared difference (equation 7)."""
    return _mean((prediction - label) ** 2, weights)


def c2(
    prediction: torch.Tensor, label: torch.Tensor, weights: torch.Tensor | None = None, *, window: int
) -> torch.Tensor:
    """Mean over pixels of the smallest squared difference to any label pixel of a window (equation 8).

    Where the minimum has a gradient it is that of its smallest term. So the loss is c1 to a label of which each
    pixel has been replaced by the closest value nearby, and nothing but this image is kept for the gradient.
    """
    return c1(prediction, closest(prediction.detach(), label, window), weights)


def c3(
    prediction: torch.Tensor, label: torch.Tensor, weights: torch.Tensor | None = None, *, window: int
) -> torch.Tensor:
    """Mean over pixels of the squared differences of local mean and of local SD (equation 9)."""
    means, sds = zip(local_mean_and_sd(prediction, window), local_mean_and_sd(label, window), strict=True)
    return _mean((means[0] - means[1]) ** 2 + (sds[0] - sds[1]) ** 2, weights)


def closest(prediction: torch.Tensor, label: torch.Tensor, window: int) -> torch.Tensor:
    """For every pixel, the value of the label in the window around it that is closest to the prediction."""
    edge = window // 2
    rows, columns = label.shape[1:]
    padded = functional.pad(label, [edge] * 4, value=torch.inf)
    chosen = label.clone()
    block = max(1, BLOCK // (rows * columns)) if label.device.type == "cpu" else max(1, len(label))
    for ours, around, found in zip(
        *(part.split(block) for part in (prediction, padded, chosen)), strict=True
    ):
        least = (ours - found).abs()
        distance, closer = torch.empty_like(least), torch.empty_like(least, dtype=torch.bool)
        for row in range(window):
            for column in range(window):
                other = around[:, row : row + rows, column : column + columns]
                torch.sub(ours, other, out=distance).abs_()
                torch.lt(distance, least, out=closer)
                torch.where(closer, other, found, out=found)
                torch.minimum(distance, least, out=least)
    return chosen


def local_mean_and_sd(image: torch.Tensor, window: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation in the window around every pixel, over the pixels that the image has there."""

    def mean(values: torch.Tensor) -> torch.Tensor:
        return functional.avg_pool2d(values, window, 1, window // 2, count_include_pad=False)

    average = mean(image)
    variance = (mean(image**2) - average**2).clamp(min=0)
    # The root has no slope at 0, where images are flat.
    return average, torch.sqrt(variance + EPSILON)


def _mean(values: torch.Tensor, weights: torch.Tensor | None) -> torch.Tensor:
    return values.mean() if weights is None else (values * weights).sum() / weights.sum()
