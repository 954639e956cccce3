"""Adversarial training: a discriminator that judges every pixel at several resolutions, and both loss forms."""

from typing import Literal

import torch
from torch import nn
from torch.nn import functional

Logits = list[torch.Tensor]


class PixelCritic(nn.Module):
    """A U-Net-shaped discriminator: logits of every pixel, one map per level of the decoder, coarse to fine.

    Source: Hagiwara 2019, figure 1B.

    Args:
        channels: of the images that it judges, shape (n, channels, h, w), both sides a multiple of `multiple`.
        filters: maps of the finest level; they double from level to level.
        levels: of the encoder.
    """

    def __init__(self, channels: int, filters: int, levels: int = 4) -> None:
        super().__init__()
        widths = [filters * 2**level for level in range(levels)]
        self.down = nn.ModuleList(map(_block, [channels, *widths[:-1]], widths))
        fine = widths[-2::-1]
        self.up = nn.ModuleList(_block(2 * width + width, width) for width in fine)
        self.heads = nn.ModuleList(nn.Conv2d(width, 1, 1) for width in fine)

    @property
    def multiple(self) -> int:
        """Of which both sides of an image are a multiple."""
        return 2 ** len(self.up)

    def forward(self, images: torch.Tensor) -> Logits:
        skips = []
        for level, block in enumerate(self.down):
            images = block(functional.max_pool2d(images, 2) if level else images)
            skips.append(images)
        logits = []
        images = skips.pop()
        for block, head in zip(self.up, self.heads, strict=True):
            images = block(torch.cat([functional.interpolate(images, scale_factor=2), skips.pop()], 1))
            logits.append(head(images))
        return logits


def judge(logits: Logits, real: bool) -> torch.Tensor:
    """Cross-entropy of calling the images real, or not: a mean over samples and pixels, then over resolutions."""
    means = [
        functional.binary_cross_entropy_with_logits(
            one.float(), torch.full_like(one, real, dtype=torch.float32)
        )
        for one in logits
    ]
    return torch.stack(means).mean()


def deceive(logits: Logits, form: Literal["minimax", "non_saturating"]) -> torch.Tensor:
    """The generator's loss on the logits of its own images.

    minimax is the negative of what the discriminator minimises, as Goodfellow 2014 derives it; non_saturating,
    what is used there in practice, has steep slopes while the discriminator is right.
    """
    return -judge(logits, False) if form == "minimax" else judge(logits, True)


def _block(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.LeakyReLU(0.2)
    )
