"""Several batches through a network at once, each normalised by its own statistics.

One matrix product with twice the rows costs less than two products: the weights are read once, and one gradient is
written instead of two being written, read again and added. Batch normalisation must still see each batch by itself,
because real and fake images have different statistics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from typing import Callable


class ApartNorm1d(nn.BatchNorm1d):
    """Batch normalisation of vectors [N, features], which may be several batches joined along N."""

    published_as = "BatchNorm1d"
    batches = 1  # how many batches the next input consists of

    def forward(self, inputs: Tensor) -> Tensor:
        """Normalise each batch by itself; the running statistics are updated by one after the other."""
        return _apart(super().forward, inputs, self.batches)


class ApartNorm2d(nn.BatchNorm2d):
    """Batch normalisation of images [N, C, H, W], which may be several batches joined along N."""

    published_as = "BatchNorm2d"
    batches = 1  # how many batches the next input consists of

    def forward(self, inputs: Tensor) -> Tensor:
        """Normalise each batch by itself; the running statistics are updated by one after the other."""
        return _apart(super().forward, inputs, self.batches)


def _apart(normalise: Callable[[Tensor], Tensor], inputs: Tensor, batches: int) -> Tensor:
    return normalise(inputs) if batches == 1 else torch.cat([normalise(part) for part in inputs.chunk(batches)])


def judge_together(judge: Callable[[Tensor], Tensor], *images: Tensor) -> tuple[Tensor, ...]:
    """Return the judge's output for each batch of images, [N, ...] all of the same size: [N] each."""
    # Each normalisation must know how many batches come; a judge that is a plain function has none.
    layers = judge.modules() if isinstance(judge, nn.Module) else ()
    norms = [module for module in layers if isinstance(module, (ApartNorm1d, ApartNorm2d))]
    for norm in norms:
        norm.batches = len(images)
    try:
        # k batches [N, C, H, W] -> one [k N, C, H, W] -> outputs [k N] -> k times [N].
        return judge(torch.cat(images)).chunk(len(images))
    finally:
        for norm in norms:
            norm.batches = 1
