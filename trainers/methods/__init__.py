"""What the loop asks of a method. An adversarial pair is one; a classifier and a pair of translators are others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    import torch
    from torch import nn

    from trainers.methods.ema import Average


class Place(NamedTuple):
    """Where a training stands before a step: iterations done, images seen, and the share of the budget used, 0 to 1."""

    step: int
    seen: int
    fraction: float


class Method(Protocol):
    """Networks with the way to train them. Everything that changes is in the first four attributes."""

    networks: dict[str, nn.Module]
    averages: dict[str, Average]
    optimizers: dict[str, torch.optim.Optimizer]
    extras: dict[str, torch.Tensor]  # anything else, changed in place: a balance, a pool of past fakes
    metrics: tuple[str, ...]
    precision: str  # of trainers.precision
    judged: bool  # whether d_real and d_fake are probabilities, so that their ends mean something

    def step(self, place: Place, feed: Any) -> torch.Tensor:
        """Train one iteration and return the metrics, (len(metrics),) on the device."""

    def iterations(self, step: int, batches: int) -> int:
        """Return how many iterations, from ``step`` on, it takes to draw at least this many real batches."""

    def salt(self, salt: int) -> None:
        """Use other draws from now on."""

    def end_epoch(self) -> dict[str, float]:
        """Return figures that are taken once an epoch, such as the accuracy on test images."""

    def report(self) -> dict[str, Any]:
        """Return what the report should tell beyond losses."""

    def example(self, name: str, feed: Any) -> torch.Tensor:
        """Return an input of a network, for the table of layers: (1, ...)."""


def shown(method: Method, name: str) -> nn.Module:
    """Return a network as it is shown and handed out: its average, if there is one."""
    average = method.averages.get(name)
    return average.network if average else method.networks[name]
