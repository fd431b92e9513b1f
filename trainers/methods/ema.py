"""An exponential moving average of a network (Karras et al. 2018, section 4), measured in images."""

from __future__ import annotations

import copy

import torch
from torch import nn


class Average:
    """Follows ``source``: half of the average comes from the last ``half_life`` images, which a schedule may change.

    Floating-point buffers (running statistics of batch normalisation) are averaged like weights; counters are copied.
    """

    def __init__(self, source: nn.Module, half_life: float) -> None:
        self.source = source
        self.half_life = half_life
        self.network = copy.deepcopy(source).eval().requires_grad_(requires_grad=False)
        # Made once: walking through both networks in every step takes longer than launching two kernels. The tensors
        # stay the same ones, because steps, checkpoints and halvings all write into them.
        pairs = list(zip(self.network.state_dict().values(), source.state_dict().values()))
        self._mine = [mine for mine, _ in pairs if mine.is_floating_point()]
        self._theirs = [theirs for mine, theirs in pairs if mine.is_floating_point()]
        self._counters = [(mine, theirs) for mine, theirs in pairs if not mine.is_floating_point()]

    @torch.no_grad()
    def update(self, images: int) -> None:
        """Follow an iteration in which this many images were seen.

        average += (1 - 2^(-images / half_life)) (source - average), so that the batch size does not matter. With a
        half-life of zero the average is the source.
        """
        weight = 1 - 0.5 ** (images / self.half_life) if self.half_life else 1.0
        # One call for all tensors of the network: a loop would launch two kernels for each.
        torch._foreach_mul_(self._mine, 1 - weight)
        torch._foreach_add_(self._mine, self._theirs, alpha=weight)
        # Counters (batches that a normalisation has seen) cannot be averaged.
        for mine, theirs in self._counters:
            mine.copy_(theirs)
