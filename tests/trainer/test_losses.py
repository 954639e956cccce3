"""Kim's losses: equal to their literal forms and gradients; what each forgives."""

import numpy as np
import pytest
import torch
from recontrast.trainer import losses
from scipy.ndimage import uniform_filter
from torch.nn import functional

FAR = 1e4  # beyond the image: never the closest


def images(*shape: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A prediction that wants its gradient, a label, and weights of which some are 0."""
    generator = torch.Generator().manual_seed(0)
    prediction, label = (torch.rand(shape, generator=generator) for _ in range(2))
    return prediction.requires_grad_(), label, (torch.rand(shape, generator=generator) > 0.3).float()


def value_and_gradient(loss: torch.Tensor, prediction: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return loss.detach(), torch.autograd.grad(loss, prediction, retain_graph=True)[0]


@pytest.mark.parametrize("window", [1, 3, 5])
@pytest.mark.parametrize("shape", [(15, 128, 128), (3, 19, 4), (2, 200, 150)])
def test_c2_equals_unfold_and_minimum_with_its_gradient(window, shape):
    prediction, label, weights = images(*shape)
    padded = functional.pad(label[:, None], [window // 2] * 4, value=FAR)
    shifts = functional.unfold(padded, window).view(shape[0], window**2, *shape[1:])
    squares = ((prediction[:, None] - shifts) ** 2).min(1).values
    for literal, given in ((squares.mean(), None), ((squares * weights).sum() / weights.sum(), weights)):
        ours = losses.c2(prediction, label, given, window=window)
        expected = value_and_gradient(literal, prediction)
        for found, true in zip(value_and_gradient(ours, prediction), expected, strict=True):
            torch.testing.assert_close(found, true, rtol=1e-6, atol=0)


def test_c2_forgives_a_shift_of_two_pixels_and_no_more():
    label = images(2, 40, 40)[1]
    inside = torch.zeros_like(label)
    inside[:, 5:-5, 5:-5] = 1
    for shift, forgiven in ((1, True), (2, True), (3, False)):
        moved = label.roll((shift, -shift), (1, 2))
        assert (losses.c2(moved, label, inside, window=5) == 0) == forgiven
        assert losses.c1(moved, label, inside) > 0.1


@pytest.mark.parametrize("weighted", [False, True])
def test_c3_equals_scipy_up_to_the_edges(weighted):
    prediction, label, weights = images(2, 30, 21)
    present = uniform_filter(np.ones((30, 21)), 5, mode="constant")

    def statistics(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mean, squares = (uniform_filter(one, 5, mode="constant") / present for one in (image, image**2))
        return mean, np.sqrt(squares - mean**2 + losses.EPSILON)

    terms = []
    for ours, theirs in zip(prediction.detach().numpy(), label.numpy(), strict=True):
        (mean, sd), (other_mean, other_sd) = (statistics(one.astype(float)) for one in (ours, theirs))
        terms.append((mean - other_mean) ** 2 + (sd - other_sd) ** 2)
    ours = losses.c3(prediction.detach(), label, weights if weighted else None, window=5)
    expected = np.average(terms, weights=weights.numpy() if weighted else None)
    assert float(ours) == pytest.approx(expected, rel=1e-4)


def test_c3_gradient_is_that_of_finite_differences_and_finite_where_images_are_flat():
    prediction, label, weights = (one.detach().double() for one in images(1, 9, 8))
    prediction.requires_grad_()
    assert torch.autograd.gradcheck(lambda image: losses.c3(image, label, weights, window=3), prediction)
    flat = torch.zeros(1, 9, 9, requires_grad=True)
    _, gradient = value_and_gradient(losses.c3(flat, torch.zeros(1, 9, 9), window=5), flat)
    assert torch.equal(gradient, torch.zeros_like(gradient))


def test_c3_sees_noise_that_has_no_mean():
    """Two draws of one noise are alike to c3 but not to c1; their average is alike to c1 but not to c3."""
    one, other = images(1, 300, 300)[0].detach(), images(1, 300, 300)[1]
    blurred = torch.full_like(one, 0.5)
    assert losses.c1(one, other) > 1.5 * losses.c1(blurred, other)
    assert losses.c3(one, other, window=5) < 0.3 * losses.c3(blurred, other, window=5)


def test_c1_counts_the_weighted_pixels_only():
    prediction, label, weights = images(3, 8, 8)
    inside = weights > 0
    expected = ((prediction - label)[inside] ** 2).mean()
    torch.testing.assert_close(losses.c1(prediction, label, weights), expected)
