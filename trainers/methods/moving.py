"""Differentiable augmentation by translation (Zhao et al. 2020): a discriminator sees all images moved at random.

It cannot learn small data sets by heart so soon. Real and generated images are moved alike, and gradients pass through,
so the generator still paints images that are in their place.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainers.data.augment import reflect


class Moving(nn.Module):
    """Calls a discriminator with each image moved by up to ``pixels`` each way: images [N, C, H, W] -> [N]."""

    def __init__(self, discriminator: nn.Module, pixels: int) -> None:
        super().__init__()
        self.discriminator = discriminator
        self.pixels = pixels
        self._places = torch.zeros(2, 0)

    def see(self, places: Tensor) -> None:
        """Take the random numbers of the next call: [2, N] in 0..1, how far each image moves down and right."""
        self._places = places

    def forward(self, images: Tensor) -> Tensor:
        """Judge images, each moved by its own random offset."""
        offsets = (self._places * (2 * self.pixels + 1)).floor() - self.pixels
        judged: Tensor = self.discriminator(moved(images, offsets))
        return judged


def moved(images: Tensor, offsets: Tensor) -> Tensor:
    """Move each image down and right by whole pixels, [N, C, H, W] and [2, N] -> [N, C, H, W]; edges are reflected.

    Two products with rows of zeros and a one. The gradient of a gather would be a sum in any order on a GPU.
    """
    rows, columns = (_chosen(by, size) for by, size in zip(offsets, images.shape[2:]))
    return rows[:, None] @ images @ columns[:, None].transpose(2, 3)


def _chosen(offsets: Tensor, size: int) -> Tensor:
    """Return which place each place is taken from, as ones: [N] -> [N, size, size]."""
    places = torch.arange(size, device=offsets.device)
    taken = reflect(places - offsets[:, None].long(), size)
    return (taken[:, :, None] == places).to(offsets.dtype)
