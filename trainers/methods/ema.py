"""An exponential moving average of a network (Karras et al. 2018, section 4), measured in images."""

from __future__ import annotations

import copy

import torch
from torch import nn


class Average:
    """Follows ``source``: half of the average comes from the last ``half_life`` images.

    Floating-point buffers (running statistics of batch normalisation) are averaged like weights; counters are copied.
    """

    def __init__(self, source: nn.Module, half_life: int) -> None:
        self.source = source
        self.half_life = half_life
        self.network = copy.deepcopy(source).eval().requires_grad_(requires_grad=False)

    @torch.no_grad()
    def update(self, images: int) -> None:
        """Follow an iteration in which this many images were seen.

        average += (1 - 2^(-images / half_life)) (source - average), so that the batch size does not matter.
        """
        weight = 1 - 0.5 ** (images / self.half_life)
        mine, theirs = self.network.state_dict(), self.source.state_dict()
        floating = [name for name, value in mine.items() if value.is_floating_point()]
        # One call for all tensors of the network: a loop would launch two kernels for each.
        torch._foreach_mul_([mine[name] for name in floating], 1 - weight)
        torch._foreach_add_([mine[name] for name in floating], [theirs[name] for name in floating], alpha=weight)
        # Counters (batches that a normalisation has seen) cannot be averaged.
        for name, value in mine.items():
            if not value.is_floating_point():
                value.copy_(theirs[name])
