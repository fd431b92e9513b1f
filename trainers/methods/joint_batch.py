"""Several batches through a network at once, each normalised by its own statistics.

One product of twice the height costs less than two: its weights are read once, and one gradient is written where two
would be written, read again and added. Batch normalisation must not see it: real and fake images differ in statistics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from typing import Callable


class ApartNorm1d(nn.BatchNorm1d):
    """Batch normalisation of vectors (batch, features) that may consist of several batches, one behind the other."""

    published_as = "BatchNorm1d"
    batches = 1

    def forward(self, inputs: Tensor) -> Tensor:
        """Normalise each batch by itself; running statistics follow them in their order."""
        return _apart(super().forward, inputs, self.batches)


class ApartNorm2d(nn.BatchNorm2d):
    """Batch normalisation of images (batch, channels, height, width) that may consist of several batches."""

    published_as = "BatchNorm2d"
    batches = 1

    def forward(self, inputs: Tensor) -> Tensor:
        """Normalise each batch by itself; running statistics follow them in their order."""
        return _apart(super().forward, inputs, self.batches)


def _apart(normalise: Callable[[Tensor], Tensor], inputs: Tensor, batches: int) -> Tensor:
    return normalise(inputs) if batches == 1 else torch.cat([normalise(part) for part in inputs.chunk(batches)])


def judge_together(judge: Callable[[Tensor], Tensor], *images: Tensor) -> tuple[Tensor, ...]:
    """Return what the judge says of each batch of images (batch, ...), all of the same size: (batch,) each."""
    layers = judge.modules() if isinstance(judge, nn.Module) else ()
    norms = [module for module in layers if isinstance(module, (ApartNorm1d, ApartNorm2d))]
    for norm in norms:
        norm.batches = len(images)
    try:
        return judge(torch.cat(images)).chunk(len(images))
    finally:
        for norm in norms:
            norm.batches = 1
