"""What the players minimise: one small class per family of losses, on the pure functions of trainers.losses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Protocol

import torch

from trainers.methods import losses, schedules
from trainers.methods.joint_batch import judge_together

if TYPE_CHECKING:
    from torch import Tensor, nn

    from trainers.methods.constraints import Constraint

    Judge = Callable[[Tensor], Tensor]


class Verdict(NamedTuple):
    """The discriminator's loss, and what to show: one number each for real and fake images, and whatever else."""

    loss: Tensor
    real: Tensor
    fake: Tensor
    more: tuple[Tensor, ...] = ()


class Objective(Protocol):
    """Gets the images and the judge, so that penalties and paired losses can ask the judge for more than logits."""

    metrics: tuple[str, ...]  # names of what `Verdict.more` and `finish` add to the common metrics, in this order
    judged: bool  # whether what is shown for real and fake images are probabilities
    mixes: bool  # whether the discriminator's loss needs a random number for each image
    extras: dict[str, Tensor]  # state of its own

    def progress(self, fraction: float) -> None:
        """Hear which share of the budget is used."""

    def before(self, discriminator: nn.Module) -> None:
        """Prepare the discriminator for its step."""

    def discriminator(self, judge: Judge, real: Tensor, fake: Tensor, mix: Tensor | None) -> Verdict:
        """Judge real and (detached) fake images."""

    def generator(self, judge: Judge, fake: Tensor, real: Tensor) -> Tensor:
        """Return the generator's loss; ``real`` is the discriminator's last batch, for relativistic losses."""

    def finish(self, real: Tensor, g_loss: Tensor) -> list[Tensor]:
        """End an iteration, given what was shown for real images and the generator's loss."""


class Plain:
    """What most objectives leave as it is."""

    metrics: tuple[str, ...] = ()
    judged = True
    mixes = False

    def __init__(self) -> None:
        self.extras: dict[str, Tensor] = {}

    def progress(self, fraction: float) -> None:
        """Change nothing."""

    def before(self, discriminator: nn.Module) -> None:
        """Change nothing."""

    def finish(self, real: Tensor, g_loss: Tensor) -> list[Tensor]:  # noqa: ARG002 - see the protocol
        """Add nothing."""
        return []


class CrossEntropy(Plain):
    """Binary cross-entropy with the non-saturating generator loss."""

    def __init__(self, smoothing: float) -> None:
        super().__init__()
        self.smoothing = smoothing

    def discriminator(self, judge: Judge, real: Tensor, fake: Tensor, mix: Tensor | None) -> Verdict:  # noqa: ARG002
        """Judge both batches."""
        real_logits, fake_logits = judge_together(judge, real, fake)
        loss = losses.bce_discriminator(real_logits, fake_logits, self.smoothing)
        return Verdict(loss, real_logits.detach().sigmoid().mean(), fake_logits.detach().sigmoid().mean())

    def generator(self, judge: Judge, fake: Tensor, real: Tensor) -> Tensor:  # noqa: ARG002 - only relativistic losses look at it
        """Return the generator's loss."""
        return losses.bce_generator(judge(fake))


class Wasserstein(Plain):
    """The critic's scores (Arjovsky et al. 2017); how it is kept Lipschitz is the constraint's business."""

    judged = False

    def __init__(self, constraint: Constraint) -> None:
        super().__init__()
        self.constraint = constraint
        self.metrics = constraint.metrics
        self.mixes = constraint.mixes

    def before(self, discriminator: nn.Module) -> None:
        """Let the constraint change the critic's weights."""
        self.constraint.before(discriminator)

    def discriminator(self, judge: Judge, real: Tensor, fake: Tensor, mix: Tensor | None) -> Verdict:
        """Score both batches, and add the constraint's penalty."""
        real_scores, fake_scores = judge_together(judge, real, fake)
        loss = losses.wasserstein_critic(real_scores, fake_scores)
        penalty, more = self.constraint.penalty(judge, real, fake, mix)
        loss = loss if penalty is None else loss + penalty
        return Verdict(loss, real_scores.detach().mean(), fake_scores.detach().mean(), more)

    def generator(self, judge: Judge, fake: Tensor, real: Tensor) -> Tensor:  # noqa: ARG002
        """Return the generator's loss."""
        return losses.wasserstein_generator(judge(fake))


class Relativistic(Plain):
    """R3GAN (Huang et al. 2024): real and fake images are judged in pairs, and both players are penalised for slope.

    What is shown are the mean probabilities that the real image of a pair is taken for the real one, and the fake.
    """

    metrics: tuple[str, ...] = ("gradient_penalty",)

    def __init__(self, gamma: float, gamma_end: float) -> None:
        super().__init__()
        self.gamma_start, self.gamma_end = gamma, gamma_end
        self.gamma = gamma

    def progress(self, fraction: float) -> None:
        """Let the weight of the penalties follow its cosine."""
        self.gamma = schedules.cosine(self.gamma_start, self.gamma_end, fraction)

    def discriminator(self, judge: Judge, real: Tensor, fake: Tensor, mix: Tensor | None) -> Verdict:  # noqa: ARG002
        """Judge pairs; R1 and R2 are squared slopes at real and at fake images (Mescheder et al. 2018, eqs. 9, 10)."""
        real, fake = real.detach().requires_grad_(), fake.detach().requires_grad_()
        real_logits, fake_logits = judge_together(judge, real, fake)
        penalty = losses.squared_slope(real_logits, real).mean() + losses.squared_slope(fake_logits, fake).mean()
        loss = losses.relativistic(real_logits, fake_logits) + self.gamma / 2 * penalty
        margin = (real_logits - fake_logits).detach()
        return Verdict(loss, margin.sigmoid().mean(), (-margin).sigmoid().mean(), (penalty.detach(),))

    def generator(self, judge: Judge, fake: Tensor, real: Tensor) -> Tensor:
        """Return the generator's loss: the roles of the pair are exchanged."""
        with torch.no_grad():
            real_logits = judge(real)
        return losses.relativistic(judge(fake), real_logits)


class Balance(Plain):
    """BEGAN (Berthelot et al. 2017): the judge returns each image's reconstruction loss L, and k keeps the balance.

    What is shown for real and fake images is L. Added are k and the measure of convergence M (eq. 6).
    """

    metrics: tuple[str, ...] = ("k", "balance")
    judged = False

    def __init__(self, gamma: float, lambda_k: float, device: torch.device) -> None:
        super().__init__()
        self.gamma, self.lambda_k = gamma, lambda_k
        self.extras = {"k": torch.zeros((), device=device)}

    def discriminator(self, judge: Judge, real: Tensor, fake: Tensor, mix: Tensor | None) -> Verdict:  # noqa: ARG002
        """Return L(x) - k L(G(z))."""
        real_loss, fake_loss = (loss.mean() for loss in judge_together(judge, real, fake))
        return Verdict(real_loss - self.extras["k"] * fake_loss, real_loss.detach(), fake_loss.detach())

    def generator(self, judge: Judge, fake: Tensor, real: Tensor) -> Tensor:  # noqa: ARG002
        """Return L(G(z))."""
        return judge(fake).mean()

    def finish(self, real: Tensor, g_loss: Tensor) -> list[Tensor]:
        """Move k towards the balance gamma L(x) = L(G(z)), inside 0..1; return k and M."""
        k = self.extras["k"]
        off = self.gamma * real - g_loss
        k.add_(self.lambda_k * off).clamp_(0, 1)
        return [k.clone(), real + off.abs()]


def cross_entropy(params: Any, _device: torch.device) -> Objective:
    """Make the objective of the parameters."""
    return CrossEntropy(params.label_smoothing)


def relativistic(params: Any, _device: torch.device) -> Objective:
    """Make the objective of the parameters."""
    return Relativistic(params.gamma, params.gamma_end)


def balance(params: Any, device: torch.device) -> Objective:
    """Make the objective of the parameters."""
    return Balance(params.gamma, params.lambda_k, device)
