"""What the players minimise: one small class for each family of losses, built on the pure functions of `losses`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, NamedTuple, Protocol

import torch

from trainers.methods import DiscriminatorOutput, losses, schedules
from trainers.methods.joint_batch import judge_together
from trainers.methods.plateau import Plateau

if TYPE_CHECKING:
    from torch import Tensor, nn

    from models.specs.base import NoiseParams
    from models.specs.began import BeganParams
    from models.specs.compact import CompactParams
    from models.specs.r3gan import R3ganParams
    from trainers.methods.constraints import Constraint

    # The discriminator as losses see it: images [N, C, H, W] -> one number each, [N].
    Judge = Callable[[Tensor], Tensor]


class Verdict(NamedTuple):
    """The discriminator's loss and metrics, all scalars: one for real images, one for fakes, the objective's own."""

    loss: Tensor
    real: Tensor
    fake: Tensor
    more: tuple[Tensor, ...] = ()


class Objective(Protocol):
    """Both players' losses.

    An objective gets images and the judge instead of logits, because penalties and paired losses ask the judge again.
    """

    metrics: tuple[str, ...]  # names of what `Verdict.more` and `finish` add to the common metrics, in this order
    d_output: DiscriminatorOutput  # what the metrics of real and fake images are
    mixes: bool  # whether the discriminator's loss needs a random number for each image
    extras: dict[str, Tensor]  # state of its own, for the checkpoint
    penalised: bool  # whether the discriminator's loss of this iteration has the penalty that others leave out

    def begin(self, step: int, fraction: float) -> None:
        """Begin an iteration: follow schedules. ``fraction`` of the budget is used."""

    def before(self, discriminator: nn.Module) -> None:
        """Change the discriminator's weights before its step, if the method does that."""

    def discriminator(self, judge: Judge, real: Tensor, fake: Tensor, mix: Tensor | None) -> Verdict:
        """Return the discriminator's loss for real and (detached) fake images, [N, C, H, W] each; ``mix`` in 0..1."""

    def generator(self, judge: Judge, fake: Tensor, real: Tensor) -> Tensor:
        """Return the generator's loss; ``real`` is the discriminator's last batch, for relativistic losses."""

    def finish(self, real: Tensor, g_loss: Tensor) -> list[Tensor]:
        """End an iteration, given the metric of real images and the generator's loss; return more metrics."""

    def end_epoch(self) -> None:
        """Look back at the epoch that ended."""

    def rate_factor(self) -> float:
        """Return what both learning rates are multiplied with."""


class Plain:
    """The defaults: no schedule, no constraint, no state, no metrics of its own."""

    metrics: tuple[str, ...] = ()
    d_output = DiscriminatorOutput.probabilities
    mixes = False
    penalised = False

    def __init__(self) -> None:
        self.extras: dict[str, Tensor] = {}

    def begin(self, step: int, fraction: float) -> None:
        """Follow no schedule."""

    def before(self, discriminator: nn.Module) -> None:
        """Leave the weights alone."""

    def finish(self, real: Tensor, g_loss: Tensor) -> list[Tensor]:  # noqa: ARG002 - see the protocol
        """Add no metrics."""
        return []

    def end_epoch(self) -> None:
        """Keep no count of epochs."""

    def rate_factor(self) -> float:
        """Leave the learning rates as they are."""
        return 1.0


class CrossEntropy(Plain):
    """Binary cross-entropy with the non-saturating generator loss (Goodfellow et al. 2014)."""

    def __init__(self, smoothing: float) -> None:
        super().__init__()
        self.smoothing = smoothing

    def discriminator(self, judge: Judge, real: Tensor, fake: Tensor, mix: Tensor | None) -> Verdict:  # noqa: ARG002
        """Return the cross-entropy of both batches; the metrics are mean probabilities of being real."""
        real_logits, fake_logits = judge_together(judge, real, fake)  # [N] each
        loss = losses.bce_discriminator(real_logits, fake_logits, self.smoothing)
        return Verdict(loss, real_logits.detach().sigmoid().mean(), fake_logits.detach().sigmoid().mean())

    def generator(self, judge: Judge, fake: Tensor, real: Tensor) -> Tensor:  # noqa: ARG002 - only relativistic losses look at it
        """Return the non-saturating loss of fakes."""
        return losses.bce_generator(judge(fake))


class Regularised(CrossEntropy):
    """Cross-entropy with the penalty R1 in every ``every``-th iteration (Karras et al. 2020, section 3.1).

    The penalty has ``every`` times its weight there, so that its mean over iterations is the same.
    """

    metrics: tuple[str, ...] = ("gradient_penalty",)

    def __init__(self, smoothing: float, weight: float, every: int, device: torch.device) -> None:
        super().__init__(smoothing)
        self.weight, self.every = weight, every
        # What the last penalty was is the metric of the iterations without one, so it is part of the checkpoint.
        self.extras = {"penalty": torch.zeros((), device=device)}
        self.penalised = True

    def begin(self, step: int, fraction: float) -> None:  # noqa: ARG002 - see the protocol
        """Choose the iterations with a penalty."""
        self.penalised = step % self.every == 0

    def discriminator(self, judge: Judge, real: Tensor, fake: Tensor, mix: Tensor | None) -> Verdict:  # noqa: ARG002
        """Return the cross-entropy plus weight/2 R1 if it is due: R1 is the mean squared slope at real images.

        Mescheder et al. 2018, eq. 9.
        """
        real = real.detach().requires_grad_(self.penalised)
        real_logits, fake_logits = judge_together(judge, real, fake)  # [N] each
        loss = losses.bce_discriminator(real_logits, fake_logits, self.smoothing)
        penalty = self.extras["penalty"]
        if self.penalised:
            (slopes,) = losses.squared_slopes(real_logits, real)  # [N]
            loss = loss + self.every * self.weight / 2 * slopes.mean()
            penalty.copy_(slopes.detach().mean())
        real_mean, fake_mean = (logits.detach().sigmoid().mean() for logits in (real_logits, fake_logits))
        return Verdict(loss, real_mean, fake_mean, (penalty.clone(),))


class Wasserstein(Plain):
    """The critic's scores estimate a distance (Arjovsky et al. 2017); a constraint keeps the critic Lipschitz."""

    d_output = DiscriminatorOutput.scores

    def __init__(self, constraint: Constraint) -> None:
        super().__init__()
        self.constraint = constraint
        self.metrics = constraint.metrics
        self.mixes = constraint.mixes

    def before(self, discriminator: nn.Module) -> None:
        """Let the constraint change the critic's weights: WGAN clips them."""
        self.constraint.before(discriminator)

    def discriminator(self, judge: Judge, real: Tensor, fake: Tensor, mix: Tensor | None) -> Verdict:
        """Return the difference of mean scores plus the constraint's penalty; the metrics are mean scores."""
        real_scores, fake_scores = judge_together(judge, real, fake)  # [N] each
        loss = losses.wasserstein_critic(real_scores, fake_scores)
        # WGAN-GP judges a third batch, between the two.
        penalty, more = self.constraint.penalty(judge, real, fake, mix)
        loss = loss if penalty is None else loss + penalty
        return Verdict(loss, real_scores.detach().mean(), fake_scores.detach().mean(), more)

    def generator(self, judge: Judge, fake: Tensor, real: Tensor) -> Tensor:  # noqa: ARG002
        """Return minus the mean score of fakes."""
        return losses.wasserstein_generator(judge(fake))


class Relativistic(Plain):
    """R3GAN (Huang et al. 2024): real and fake images are judged in pairs, and both players' slopes are penalised.

    The metrics are mean probabilities that the real image of a pair is taken for the real one, and the fake for it.
    """

    metrics: tuple[str, ...] = ("gradient_penalty",)

    def __init__(self, gamma: float, gamma_end: float, device: torch.device | None = None) -> None:
        super().__init__()
        self.gamma_start, self.gamma_end = gamma, gamma_end
        self.gamma = gamma
        # On the device, where a recorded step reads it anew each time.
        self._weight = torch.full((), gamma / 2, dtype=torch.float64, device=device)

    def begin(self, step: int, fraction: float) -> None:  # noqa: ARG002 - see the protocol
        """Move the weight of the penalties along its cosine."""
        self.gamma = schedules.cosine(self.gamma_start, self.gamma_end, fraction)
        self._weight.fill_(self.gamma / 2)

    def discriminator(self, judge: Judge, real: Tensor, fake: Tensor, mix: Tensor | None) -> Verdict:  # noqa: ARG002
        """Return the paired loss plus gamma/2 (R1 + R2), Huang et al. 2024, section 2.

        R1 and R2 are the mean squared slopes at real and at fake images (Mescheder et al. 2018, eqs. 9 and 10).
        """
        # Leaves that require gradients: the penalties differentiate logits by images.
        real, fake = real.detach().requires_grad_(), fake.detach().requires_grad_()
        real_logits, fake_logits = judge_together(judge, real, fake)  # [N] each, image i paired with image i
        slopes = losses.squared_slopes(torch.cat([real_logits, fake_logits]), real, fake)  # [N] each
        penalty = slopes[0].mean() + slopes[1].mean()
        loss = losses.relativistic(real_logits, fake_logits) + self._weight.to(penalty.dtype) * penalty
        margin = (real_logits - fake_logits).detach()
        return Verdict(loss, margin.sigmoid().mean(), (-margin).sigmoid().mean(), (penalty.detach(),))

    def generator(self, judge: Judge, fake: Tensor, real: Tensor) -> Tensor:
        """Return the paired loss with the roles exchanged."""
        # The generator cannot change what real images score: no graph is needed there.
        with torch.no_grad():
            real_logits = judge(real)
        return losses.relativistic(judge(fake), real_logits)


class Balance(Plain):
    """BEGAN (Berthelot et al. 2017): the judge returns each image's reconstruction loss L; k balances the players.

    The metrics of real and fake images are L. Added are k and the measure of convergence M (eq. 6). If ``halve_after``
    is set, the learning rates are halved after so many epochs without a lower mean of M.
    """

    metrics: tuple[str, ...] = ("k", "balance")
    d_output = DiscriminatorOutput.errors

    def __init__(self, gamma: float, lambda_k: float, device: torch.device, halve_after: int | None = None) -> None:
        super().__init__()
        self.gamma, self.lambda_k = gamma, lambda_k
        self.extras = {"k": torch.zeros((), device=device)}  # starts at 0: at first only real images count
        self.plateau = Plateau(halve_after, device) if halve_after else None
        if self.plateau is not None:
            self.extras.update({f"plateau/{name}": value for name, value in self.plateau.tensors.items()})

    def discriminator(self, judge: Judge, real: Tensor, fake: Tensor, mix: Tensor | None) -> Verdict:  # noqa: ARG002
        """Return L(x) - k L(G(z)), eq. 5: reconstruct real images well, and fakes badly, to a degree k."""
        real_loss, fake_loss = (loss.mean() for loss in judge_together(judge, real, fake))  # [N] -> scalar
        return Verdict(real_loss - self.extras["k"] * fake_loss, real_loss.detach(), fake_loss.detach())

    def generator(self, judge: Judge, fake: Tensor, real: Tensor) -> Tensor:  # noqa: ARG002
        """Return L(G(z))."""
        return judge(fake).mean()

    def finish(self, real: Tensor, g_loss: Tensor) -> list[Tensor]:
        """Move k towards the balance gamma L(x) = L(G(z)), inside 0..1; return k and M."""
        k = self.extras["k"]
        off = self.gamma * real - g_loss
        # In place, because k is part of the checkpoint; on the device, because reading its value would wait for it.
        k.add_(self.lambda_k * off).clamp_(0, 1)
        convergence = real + off.abs()
        if self.plateau is not None:
            self.plateau.add(convergence)
        return [k.clone(), convergence]

    def end_epoch(self) -> None:
        """Halve the learning rates where M has stalled (section 4.1)."""
        if self.plateau is not None:
            self.plateau.end_epoch()

    def rate_factor(self) -> float:
        """Return 1, or less after M has stalled."""
        return 1.0 if self.plateau is None else self.plateau.factor


def cross_entropy(params: NoiseParams, _device: torch.device) -> Objective:
    """Return the objective of recipes with labels to smooth."""
    return CrossEntropy(params.label_smoothing)


def regularised(params: CompactParams, device: torch.device) -> Objective:
    """Return the objective of `compact`."""
    return Regularised(params.label_smoothing, params.penalty, params.penalty_every, device)


def relativistic(params: R3ganParams, device: torch.device) -> Objective:
    """Return R3GAN's objective."""
    return Relativistic(params.gamma, params.gamma_end, device)


def balance(params: BeganParams, device: torch.device) -> Objective:
    """Return BEGAN's objective."""
    # Jobs from before the parameter do not have it.
    return Balance(params.gamma, params.lambda_k, device, vars(params).get("halve_after"))
