"""What the players minimise: one small class per family of losses, on the pure functions of trainers.losses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, NamedTuple, Protocol

from trainers import losses

if TYPE_CHECKING:
    from torch import Tensor

    from models.specs.base import AdversarialParams

    Judge = Callable[[Tensor], Tensor]


class Verdict(NamedTuple):
    """The discriminator's loss, and its logits (batch,) for real and fake images."""

    loss: Tensor
    real: Tensor
    fake: Tensor


class Objective(Protocol):
    """Gets the images and the judge, so that penalties and paired losses can ask the judge for more than logits."""

    def discriminator(self, judge: Judge, real: Tensor, fake: Tensor) -> Verdict:
        """Judge real and (detached) fake images."""

    def generator(self, judge: Judge, fake: Tensor, real: Tensor) -> Tensor:
        """Return the generator's loss; ``real`` is the discriminator's last batch, for relativistic losses."""


class CrossEntropy:
    """Binary cross-entropy with the non-saturating generator loss."""

    def __init__(self, params: AdversarialParams) -> None:
        self.smoothing = params.label_smoothing

    def discriminator(self, judge: Judge, real: Tensor, fake: Tensor) -> Verdict:
        """Judge both batches separately: batch normalisation must not mix their statistics."""
        real_logits, fake_logits = judge(real), judge(fake)
        return Verdict(losses.bce_discriminator(real_logits, fake_logits, self.smoothing), real_logits, fake_logits)

    def generator(self, judge: Judge, fake: Tensor, real: Tensor) -> Tensor:  # noqa: ARG002 - only relativistic losses look at it
        """Return the generator's loss."""
        return losses.bce_generator(judge(fake))
