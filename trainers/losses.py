"""Losses as pure functions of logits. Each names its paper and equation; shapes are (batch,), results are scalars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn.functional import softplus

if TYPE_CHECKING:
    from torch import Tensor


def bce_discriminator(real: Tensor, fake: Tensor, smoothing: float = 0.0) -> Tensor:
    """Goodfellow et al. 2014, eq. 1, negated: -E[log D(x)] - E[log(1 - D(G(z)))], with D = sigmoid(logit).

    Both terms are log 2 at logit 0. ``smoothing`` s labels real images 1 - s (Salimans et al. 2016, section 3.4): the
    cross-entropy with that label is (1 - s) softplus(-x) + s softplus(x) = softplus(-x) + s x.
    """
    loss = softplus(-real).mean() + softplus(fake).mean()
    return loss + smoothing * real.mean() if smoothing else loss


def bce_generator(fake: Tensor) -> Tensor:
    """Goodfellow et al. 2014, section 3, the non-saturating form: -E[log D(G(z))]. log 2 at logit 0."""
    return softplus(-fake).mean()
