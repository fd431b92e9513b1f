"""One iteration of CycleGAN: two translators and two discriminators learn together (Zhu et al. 2017)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn.functional import l1_loss

from trainers.device.graphs import Graphs
from trainers.device.precision import FLOAT32, at
from trainers.methods import DiscriminatorOutput, losses, optimizers, schedules
from trainers.methods.ema import Average
from trainers.methods.replay import Pool
from trainers.methods.steps import learn

if TYPE_CHECKING:
    from torch import nn

    from models.specs.cyclegan import CycleganParams
    from trainers.data.loader import PairFeed
    from trainers.methods import Iteration
    from trainers.methods.live_look import LiveLook

_METRICS = (
    "d_loss_a",
    "d_loss_b",
    "g_loss_a",
    "g_loss_b",
    "cycle_loss",
    "identity_loss",
    "d_real_a",
    "d_real_b",
    "d_fake_a",
    "d_fake_b",
    "d_grad_norm",
    "g_grad_norm",
    "learning_rate",
)


class Translated(NamedTuple):
    """A batch of each domain, [N, C, H, W], and its detached translation into the other domain."""

    a: torch.Tensor
    b: torch.Tensor
    fake_a: torch.Tensor
    fake_b: torch.Tensor


class Translation:
    """G: A -> B and F: B -> A learn together; then both discriminators learn, from a pool of past fakes."""

    metrics: tuple[str, ...] = _METRICS
    d_output = DiscriminatorOutput.patches
    live_look: LiveLook | None = None  # translations have the variety of their inputs

    def __init__(
        self, params: CycleganParams, networks: dict[str, nn.Module], feed: PairFeed, precision: str = FLOAT32
    ) -> None:
        self.params = params
        self.networks = networks
        self.feed = feed
        self.precision = precision
        # Which images the pools exchange is decided on the host, in every step anew: there is nothing to record.
        self.graphs = Graphs()
        self.averages: dict[str, Average] = {}
        if params.ema_half_life:
            for name in ("generator_ab", "generator_ba"):
                self.averages[name] = Average(networks[name], params.ema_half_life)
        self._generators = [networks["generator_ab"], networks["generator_ba"]]
        self._discriminators = [networks["discriminator_a"], networks["discriminator_b"]]
        # One optimizer for both generators, since one loss holds both; and one for both discriminators.
        self.optimizers = {
            name: optimizers.make(params, [weight for network in pair for weight in network.parameters()])
            for name, pair in (("generators", self._generators), ("discriminators", self._discriminators))
        }
        self._translate = [at(network, precision) for network in self._generators]
        self._judge = [at(network, precision) for network in self._discriminators]
        self._pools = {name: Pool(params.pool, feed.shape, feed.draws.device, name) for name in ("a", "b")}
        # The generators' step size as a metric. It stays on the device: a new tensor of a number would wait for it.
        self._rate = torch.zeros((), device=feed.draws.device)
        self.extras = {
            f"pool_{name}/{key}": value for name, pool in self._pools.items() for key, value in pool.tensors.items()
        }

    def iterations(self, step: int, batches: int) -> int:  # noqa: ARG002 - the number depends on the step elsewhere
        """Return how many iterations draw this many batches of the larger domain, rounded up."""
        return -(-batches // self.params.d_steps)

    def end_epoch(self) -> dict[str, float]:
        """Measure nothing at the end of an epoch: all metrics come from the steps."""
        return {}

    def report(self) -> dict[str, object]:
        """Add nothing to the report."""
        return {}

    def example(self, name: str) -> torch.Tensor:  # noqa: ARG002 - all four networks take images
        """Return an image, [1, C, H, W]."""
        return torch.zeros(1, *self.feed.shape, device=self.feed.draws.device)

    def step(self, iteration: Iteration) -> torch.Tensor:
        """Train one iteration; return the metrics in the order of `metrics`."""
        feed, params = self.feed, self.params
        # 1. Step sizes follow their schedule.
        self._set_rates(iteration, feed.batch_size)
        # In the first iterations of some jobs only the discriminators learn.
        warming = iteration.step < params.d_warmup_steps
        for n in range(params.d_steps):
            # 2. A batch of each domain, [N, C, H, W] in [-1, 1]; nothing pairs image i of A with image i of B.
            a, b = feed.a.next(), feed.b.next()
            # 3. Generator steps come first in an iteration, as in the authors' code, and only with its first batch.
            for _ in range(params.g_steps if n == 0 else 0):
                with torch.set_grad_enabled(not warming):
                    g_metrics, translated = self._generators_step(a, b, learning=not warming)
            if n:
                # Further discriminator steps need fakes of their own batch, but no graph through the generators.
                with torch.no_grad():
                    translated = Translated(a, b, self._translate[1](b), self._translate[0](a))
            # 4. Discriminator step, both domains at once.
            d_metrics = self._discriminators_step(translated, iteration.step, n)
        # 5. Moving averages follow the generators, by the number of real images seen.
        if not warming:
            for average in self.averages.values():
                average.update(feed.sampler.seen - iteration.seen)
        # 6. Metrics stay on the device: reading them here would wait for it in every step.
        d_loss_a, d_loss_b, *scores, d_norm = d_metrics
        *g_losses, g_norm = g_metrics
        return torch.stack([d_loss_a, d_loss_b, *g_losses, *scores, d_norm, g_norm, self._rate])

    def _set_rates(self, iteration: Iteration, images: int) -> None:
        """Set both step sizes: a rise from zero over `warmup_images`, level, then a line to zero."""
        params = self.params
        # Counted to the end of this iteration: with a rate of exactly zero the first step would do nothing.
        rise = min(1.0, (iteration.seen + images) / params.warmup_images) if params.warmup_images else 1.0
        fraction = iteration.fraction
        # Jobs from before the parameter do not have it.
        if iteration.seen and vars(params).get("decay_every", "step") == "epoch":
            # The share of the budget that was used when the present epoch began.
            fraction *= (iteration.seen - self.feed.sampler.position) / iteration.seen
        factor = rise * schedules.linear_decay(params.decay_from, fraction)
        g_rate = (params.g_learning_rate or params.learning_rate) * factor
        optimizers.set_learning_rate(self.optimizers["generators"], g_rate)
        d_rate = (params.d_learning_rate or params.learning_rate) * factor
        optimizers.set_learning_rate(self.optimizers["discriminators"], d_rate)
        self._rate.fill_(g_rate)

    def _generators_step(
        self, a: torch.Tensor, b: torch.Tensor, *, learning: bool
    ) -> tuple[list[torch.Tensor], Translated]:
        """Return the generators' metrics, and the detached translations.

        The loss is eq. 3: least squares against both discriminators, plus `cycle` times the cycle loss (eq. 2), plus
        `cycle` times `identity` times the identity loss of section 5.2.
        """
        ab, ba = self._translate
        judge_a, judge_b = self._judge
        # Gradients flow through the discriminators to the images; none is computed for their own weights.
        for network in self._discriminators:
            network.requires_grad_(requires_grad=False)
        # There: A -> B and B -> A, [N, C, H, W] each.
        fake_b, fake_a = ab(a), ba(b)
        # Adversarial terms: each score map [N, 1, H/8-2, W/8-2] should say "real", which is 1.
        loss_a = losses.least_squares(judge_a(fake_a), 1.0)
        loss_b = losses.least_squares(judge_b(fake_b), 1.0)
        # And back: A -> B -> A and B -> A -> B must return the image, so that a translation keeps its content.
        cycle = l1_loss(ba(fake_b), a) + l1_loss(ab(fake_a), b)
        identity = torch.zeros_like(cycle)
        if self.params.identity:
            # An image that already is of the wanted domain should stay as it is, which preserves colours.
            identity = l1_loss(ba(a), a) + l1_loss(ab(b), b)
        loss = loss_a + loss_b + self.params.cycle * (cycle + self.params.identity * identity)
        norm = torch.zeros_like(cycle)
        if learning:
            norm = learn(self.optimizers["generators"], loss, *self._generators)
        metrics = [value.detach() for value in (loss_a, loss_b, cycle, identity)]
        return [*metrics, norm], Translated(a, b, fake_a.detach(), fake_b.detach())

    def _discriminators_step(self, seen: Translated, step: int, n: int) -> list[torch.Tensor]:
        """Return both losses, the mean scores of real and fake images of both domains, and the gradient norm."""
        for network in self._discriminators:
            network.requires_grad_(requires_grad=True)
        judge_a, judge_b = self._judge
        real_a, real_b = judge_a(seen.a), judge_b(seen.b)  # [N, 1, H/8-2, W/8-2]: one score for each patch
        # Past fakes too (section 4): a discriminator that sees only the newest ones lets the generators oscillate.
        draws = self.feed.draws
        fake_a = judge_a(self._pools["a"].exchange(seen.fake_a, draws, step, n))
        fake_b = judge_b(self._pools["b"].exchange(seen.fake_b, draws, step, n))
        wanted = 1.0 - self.params.label_smoothing
        # Halved, which slows the discriminators down against the generators (section 7.1).
        loss_a = (losses.least_squares(real_a, wanted) + losses.least_squares(fake_a, 0.0)) / 2
        loss_b = (losses.least_squares(real_b, wanted) + losses.least_squares(fake_b, 0.0)) / 2
        norm = learn(self.optimizers["discriminators"], loss_a + loss_b, *self._discriminators)
        means = [scores.detach().mean() for scores in (real_a, real_b, fake_a, fake_b)]
        return [loss_a.detach(), loss_b.detach(), *means, norm]
