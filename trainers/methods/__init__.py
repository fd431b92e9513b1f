"""Methods: how networks learn. Adversarial pairs, translators and classifiers are methods; the loop knows no more."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import torch
    from torch import nn

    from trainers.data.loader import Feed
    from trainers.device.graphs import Graphs
    from trainers.methods.ema import Average
    from trainers.methods.live_look import LiveLook


class Iteration(NamedTuple):
    """What a method must know of the iteration that begins."""

    step: int  # iterations done before it, over all attempts of the job
    seen: int  # real images seen before it
    fraction: float  # share of the budget used before it, 0 to 1: what schedules follow


class DiscriminatorOutput(Enum):
    """What a discriminator puts out, and so which alarms can watch `d_real` and `d_fake`, its means."""

    probabilities = "probabilities"  # of being real
    scores = "scores"  # of a critic, without bounds: their difference estimates a distance
    errors = "errors"  # of an auto-encoder
    patches = "patches"  # scores of two discriminators, one for each domain
    none = "none"  # no discriminator


class Method(Protocol):
    """Networks with the way to train them, and the feed that they learn from.

    Everything that changes is in the first five attributes, so that a checkpoint can hold it.
    """

    networks: dict[str, nn.Module]
    averages: dict[str, Average]  # moving averages of some of the networks, by the same names
    optimizers: dict[str, torch.optim.Optimizer]
    extras: dict[str, torch.Tensor]  # anything else, changed in place: a balance, a pool of past fakes
    metrics: tuple[str, ...]  # the names of what `step` returns
    precision: str  # of trainers.device.precision
    graphs: Graphs  # what calls the pieces of a step
    d_output: DiscriminatorOutput
    live_look: LiveLook | None  # None: no generator from noise

    @property
    def feed(self) -> Feed:
        """Where the real batches come from."""

    def step(self, iteration: Iteration) -> torch.Tensor:
        """Train one iteration and return its metrics, [len(metrics)] on the device."""

    def iterations(self, step: int, batches: int) -> int:
        """Return how many iterations, from ``step`` on, it takes to draw at least this many real batches."""

    def end_epoch(self) -> dict[str, float]:
        """Return metrics that are measured once an epoch, such as the accuracy on test images."""

    def report(self) -> dict[str, object]:
        """Return what the final report should hold beyond losses."""

    def example(self, name: str) -> torch.Tensor:
        """Return an input of the named network for the table of layers, [1, ...]."""


def output_network(method: Method, name: str) -> nn.Module:
    """Return the network that makes grids, samples and final weights: the average, if there is one."""
    average = method.averages.get(name)
    return average.network if average else method.networks[name]
