"""Constraints that keep a critic Lipschitz. WGAN and WGAN-GP differ by this alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Protocol

import torch

from trainers.methods import losses

if TYPE_CHECKING:
    from torch import Tensor, nn

    Judge = Callable[[Tensor], Tensor]


class Constraint(Protocol):
    """Changes the critic's weights before its step, or adds to its loss."""

    metrics: tuple[str, ...]  # names of the metrics that `penalty` returns
    mixes: bool  # whether `penalty` needs a random number for each image

    def before(self, critic: nn.Module) -> None:
        """Change the critic's weights before its step."""

    def penalty(
        self, judge: Judge, real: Tensor, fake: Tensor, mix: Tensor | None
    ) -> tuple[Tensor | None, tuple[Tensor, ...]]:
        """Return what is added to the loss, and the metrics."""


class Clip:
    """Weights stay within ± bound (Arjovsky et al. 2017, algorithm 1, line 7)."""

    metrics: tuple[str, ...] = ()
    mixes = False

    def __init__(self, bound: float) -> None:
        self.bound = bound

    @torch.no_grad()
    def before(self, critic: nn.Module) -> None:
        """Clip every trained weight."""
        # Bounded weights bound the critic's slope, though not at a value that is known.
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
        """Return weight * E[(|slope| - 1)^2] at random points between; ``mix`` is [N, 1, 1, 1] in 0..1."""
        if mix is None:
            raise TypeError("a gradient penalty needs a random number for each image")
        # One point on the line between each real image and a fake, [N, C, H, W]: the optimal critic has slope 1 there.
        between = (mix * real + (1 - mix) * fake).requires_grad_()
        (slope,) = losses.squared_slopes(judge(between), between)
        # The root has no derivative at zero. The small number is far below what float32 can tell from a slope of 1.
        penalty = ((slope + 1e-12).sqrt() - 1).square().mean()
        return self.weight * penalty, (penalty.detach(),)
