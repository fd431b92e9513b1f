"""What the loop asks of a method. An adversarial pair is one; a classifier or a pair of translators are others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch
    from torch import nn

    from trainers.averages import Average
    from trainers.feed import Feed


class Method(Protocol):
    """Networks with the way to train them. Everything that changes is in the first three attributes."""

    networks: dict[str, nn.Module]
    averages: dict[str, Average]
    optimizers: dict[str, torch.optim.Optimizer]
    metrics: tuple[str, ...]

    def step(self, step: int, feed: Feed) -> torch.Tensor:
        """Train one iteration (``step`` counts from 0) and return the metrics, (len(metrics),) on the device."""

    def iterations(self, batches: int) -> int:
        """Return how many iterations it takes from the beginning to draw at least this many real batches."""

    def salt(self, salt: int) -> None:
        """Use other draws from now on."""

    def paint(self, noise: torch.Tensor) -> torch.Tensor:
        """Return the images for this noise, normalised as the data are, without touching any training state."""
