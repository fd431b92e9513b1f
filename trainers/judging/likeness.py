"""How like real images the shapes and the fine detail of images are, whatever an extractor says of them.

A network that tells quarter turns need not see a fine checkerboard, and finds rows that were moved along a wave at
other real images. Two figures of the pixels see these. Each looks at an image beside the training image that it looks
like most (`trainers.judging.copying`), so that lost kinds and repeated images move neither.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

# Numbers of pixels that are looked at in one go: 8 MB of float32.
_BLOCK = 2_000_000
# Detail of single pixels, and of blocks of two: a kept image has 64 at most, so larger ones are shapes.
_SCALES = 2
# A distance twenty times as long as usual says all there is to say, and so does one where equal images were trained on.
_MOST = 3.0
_NEAREST = 1e-3


class Likeness(NamedTuple):
    """How images lie to the training images that they look like most.

    Attributes:
        farther: the logarithm of the distance to it over the distance from it to its own nearest; 0 where nearer (n,).
        details: how much fine detail each has (n, bands), in powers of two.
        moves: that less the detail of the training image (n, bands).
    """

    farther: Tensor
    details: Tensor
    moves: Tensor

    def only(self, rows: Tensor) -> Likeness:
        """Return that of some images."""
        return Likeness(self.farther[rows], self.details[rows], self.moves[rows])

    @property
    def stray(self) -> float:
        """How much farther from training images they are than these are from each other; copies count as none."""
        return float(self.farther.double().mean())


def likeness(distances: Tensor, own: Tensor, detail: Tensor, of_training: Tensor) -> Likeness:
    """Put together what is known of images and of the training images that they look like.

    Args:
        distances: to the nearest training image (n,).
        own: from that one to its own nearest (n,).
        detail: of the images (n, bands).
        of_training: of the nearest training images (n, bands).
    """
    # A copy is nearer than any new image. Counted as such, copies would hide as many images that are like nothing.
    farther = (distances.clamp(min=_NEAREST) / own.clamp(min=_NEAREST)).log().clamp(0, _MOST)
    return Likeness(farther, detail, detail - of_training)


def details(pixels: Tensor) -> Tensor:
    """Return how much fine detail uint8 images (n, C, H, W) have: float32 (n, bands), in powers of two.

    A band is the mean absolute difference of neighbouring pixels in a direction (across, down, or checkered), of the
    image and of its half. One step of a byte is added, below which nothing can be seen; so 1 more is twice the detail.
    """
    rows = max(1, _BLOCK // max(1, pixels[:1].numel()))
    found = [torch.stack(_bands(some.float()), dim=1) for some in torch.split(pixels, rows)]
    return torch.cat(found)


def _bands(images: Tensor) -> list[Tensor]:
    """Return the bands of images (n, C, H, W), each (n,)."""
    found = []
    for _ in range(_SCALES):
        # The four pixels of each square of 2 by 2, wherever it begins.
        above, below = images[..., :-1, :], images[..., 1:, :]
        a, b, c, d = above[..., :-1], above[..., 1:], below[..., :-1], below[..., 1:]
        differences = (a - b + c - d, a + b - c - d, a - b - c + d)
        found += [(1 + difference.abs().mean((1, 2, 3)) / 2).log2() for difference in differences]
        images = F.avg_pool2d(images, 2)
    return found
