"""How a critic is kept from growing without bound. WGAN and WGAN-GP differ by this alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Protocol

import torch

from trainers.methods import losses

if TYPE_CHECKING:
    from torch import Tensor, nn

    Judge = Callable[[Tensor], Tensor]


class Constraint(Protocol):
    """Changes the critic before its step, or adds to its loss."""

    metrics: tuple[str, ...]
    mixes: bool

    def before(self, critic: nn.Module) -> None:
        """Change the critic's weights before its step."""

    def penalty(
        self, judge: Judge, real: Tensor, fake: Tensor, mix: Tensor | None
    ) -> tuple[Tensor | None, tuple[Tensor, ...]]:
        """Return what is added to the loss, and what is shown."""


class Clip:
    """Weights stay within ± bound (Arjovsky et al. 2017, algorithm 1, line 7)."""

    metrics: tuple[str, ...] = ()
    mixes = False

    def __init__(self, bound: float) -> None:
        self.bound = bound

    @torch.no_grad()
    def before(self, critic: nn.Module) -> None:
        """Clip every trained weight."""
        for weight in critic.parameters():
            weight.clamp_(-self.bound, self.bound)

    def penalty(self, judge: Judge, real: Tensor, fake: Tensor, mix: Tensor | None) -> tuple[None, tuple[()]]:  # noqa: ARG002
        """Add nothing."""
        return None, ()


class GradientPenalty:
    """The critic's slope is 1 between real and fake images (Gulrajani et al. 2017, eq. 3)."""

    metrics: tuple[str, ...] = ("gradient_penalty",)
    mixes = True

    def __init__(self, weight: float) -> None:
        self.weight = weight

    def before(self, critic: nn.Module) -> None:
        """Leave the weights alone."""

    def penalty(
        self, judge: Judge, real: Tensor, fake: Tensor, mix: Tensor | None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return weight * E[(|slope| - 1)^2] at random points between; ``mix`` is (batch, 1, 1, 1) in 0..1."""
        if mix is None:
            raise TypeError("a gradient penalty needs a random number for each image")
        between = (mix * real + (1 - mix) * fake).requires_grad_()
        slope = losses.squared_slope(judge(between), between)
        # The root has no derivative at zero; this is far below what a float can tell from a slope of one.
        penalty = ((slope + 1e-12).sqrt() - 1).square().mean()
        return self.weight * penalty, (penalty.detach(),)
