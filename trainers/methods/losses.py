"""Losses as pure functions. Each names its paper and equation; logits and scores are [N], results are scalars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn.functional import softplus

if TYPE_CHECKING:
    from torch import Tensor


def bce_discriminator(real: Tensor, fake: Tensor, smoothing: float = 0.0) -> Tensor:
    """Goodfellow et al. 2014, eq. 1, negated: -E[log D(x)] - E[log(1 - D(G(z)))], with D = sigmoid(logit).

    Both terms are log 2 at logit 0. ``smoothing`` s labels real images 1 - s (Salimans et al. 2016, section 3.4): the
    cross-entropy with that label is (1 - s) softplus(-x) + s softplus(x) = softplus(-x) + s x.
    """
    # softplus(-x) = -log sigmoid(x), without the overflow of computing it so.
    loss = softplus(-real).mean() + softplus(fake).mean()
    return loss + smoothing * real.mean() if smoothing else loss


def bce_generator(fake: Tensor) -> Tensor:
    """Goodfellow et al. 2014, section 3, the non-saturating form: -E[log D(G(z))]. log 2 at logit 0."""
    return softplus(-fake).mean()


def wasserstein_critic(real: Tensor, fake: Tensor) -> Tensor:
    """Arjovsky et al. 2017, eq. 2, negated: E[f(G(z))] - E[f(x)], which is minus the estimated distance."""
    return fake.mean() - real.mean()


def wasserstein_generator(fake: Tensor) -> Tensor:
    """Arjovsky et al. 2017, algorithm 1, line 10: -E[f(G(z))]."""
    return -fake.mean()


def squared_slopes(outputs: Tensor, *images: Tensor) -> tuple[Tensor, ...]:
    """Return the squared Euclidean norms of the gradients of outputs by their images, [N, ...] each: [N] each.

    ``outputs`` has one number for each image of all batches. What gradient penalties are made of: R1 and R2 (Mescheder
    et al. 2018) and WGAN-GP's (Gulrajani et al. 2017).
    """
    # The gradient of the sum by image i is that of output i alone, as long as no layer mixes the images of a batch.
    # One call for all batches: each call goes through the whole network backwards, and so does its own derivative.
    # The graph is kept: the penalty itself is differentiated by the weights.
    gradients = torch.autograd.grad(outputs.sum(), images, create_graph=True)
    return tuple(gradient.square().flatten(1).sum(1) for gradient in gradients)


def relativistic(winner: Tensor, loser: Tensor) -> Tensor:
    """Jolicoeur-Martineau 2019, section 4.3, as R3GAN pairs it: E[softplus(-(D(x) - D(G(z))))]. log 2 at a tie."""
    return softplus(loser - winner).mean()


def least_squares(scores: Tensor, wanted: float) -> Tensor:
    """Mao et al. 2017, eq. 2: E[(D - wanted)^2], without the factor of a half, as in CycleGAN; scores of any shape."""
    return (scores - wanted).square().mean()
