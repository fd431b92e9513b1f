"""Half the learning rates when a measure stalls."""

from __future__ import annotations

import torch


class Plateau:
    """Halves a factor after ``patience`` epochs in a row whose mean of a measure was not the lowest so far.

    Its tensors are part of the checkpoint. The measure must not be negative.
    """

    def __init__(self, patience: int, device: torch.device) -> None:
        self.patience = patience
        # Summed on the device, because reading a value in each step would wait for it.
        self._sum = torch.zeros((), dtype=torch.float64, device=device)
        self._count = torch.zeros((), dtype=torch.int64, device=device)
        # On the host, where rates are set. A negative number stands for none: a checkpoint holds no infinity.
        self._lowest = torch.full((), -1.0, dtype=torch.float64)
        self._waited = torch.zeros((), dtype=torch.int64)
        self._factor = torch.ones((), dtype=torch.float64)
        self.tensors = {
            "sum": self._sum,
            "count": self._count,
            "lowest": self._lowest,
            "waited": self._waited,
            "factor": self._factor,
        }

    @property
    def factor(self) -> float:
        """What rates are multiplied with: 1, a half, a quarter …"""
        return float(self._factor)

    def add(self, value: torch.Tensor) -> None:
        """Take in the measure of a step, a scalar on the device."""
        self._sum.add_(value.detach())
        self._count.add_(1)

    def end_epoch(self) -> None:
        """Compare the mean of the epoch that ended with the lowest so far."""
        mean = float(self._sum) / max(1, int(self._count))
        self._sum.zero_()
        self._count.zero_()
        if float(self._lowest) < 0 or mean < float(self._lowest):
            self._lowest.fill_(mean)
            self._waited.zero_()
            return
        self._waited.add_(1)
        if int(self._waited) >= self.patience:
            self._factor.mul_(0.5)
            self._waited.zero_()
