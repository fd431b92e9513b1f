"""One iteration of CycleGAN: two translators, two discriminators, cycles (Zhu et al. 2017)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch.nn.functional import l1_loss

from trainers.device.precision import FLOAT32, at
from trainers.methods import losses, optimizers, schedules
from trainers.methods.adversarial import learn
from trainers.methods.ema import Average
from trainers.methods.replay import Pool

if TYPE_CHECKING:
    from torch import nn

    from models.specs.cyclegan import CycleganParams
    from trainers.data.loader import PairFeed
    from trainers.data.rng import Draws
    from trainers.methods import Place

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
    """A batch of each domain, its translation into the other, and both losses that the generators had to add."""

    a: torch.Tensor
    b: torch.Tensor
    fake_a: torch.Tensor
    fake_b: torch.Tensor


class Translation:
    """G: A -> B and F: B -> A learn together; then both discriminators learn from a pool of past fakes."""

    metrics: tuple[str, ...] = _METRICS
    judged = False

    def __init__(
        self,
        params: CycleganParams,
        networks: dict[str, nn.Module],
        shape: tuple[int, ...],
        draws: Draws,
        precision: str = FLOAT32,
    ) -> None:
        self.params = params
        self.networks = networks
        self.draws = draws
        self.precision = precision
        self.averages: dict[str, Average] = {}
        if params.ema_half_life:
            for name in ("generator_ab", "generator_ba"):
                self.averages[name] = Average(networks[name], params.ema_half_life)
        self._generators = [networks["generator_ab"], networks["generator_ba"]]
        self._discriminators = [networks["discriminator_a"], networks["discriminator_b"]]
        self.optimizers = {
            name: optimizers.make(params, [weight for network in pair for weight in network.parameters()])
            for name, pair in (("generators", self._generators), ("discriminators", self._discriminators))
        }
        self._translate = [at(network, precision) for network in self._generators]
        self._judge = [at(network, precision) for network in self._discriminators]
        self._pools = {name: Pool(params.pool, shape, draws, name) for name in ("a", "b")}
        self.extras = {
            f"pool_{name}/{key}": value for name, pool in self._pools.items() for key, value in pool.tensors.items()
        }

    def iterations(self, step: int, batches: int) -> int:  # noqa: ARG002 - the same question as to others
        """Return how many iterations draw this many batches of the larger domain."""
        return -(-batches // self.params.d_steps)

    def salt(self, salt: int) -> None:
        """Use other draws from now on."""
        self.draws = self.draws.salted(salt)
        for pool in self._pools.values():
            pool.draws = self.draws

    def end_epoch(self) -> dict[str, float]:
        """Nothing is measured once an epoch."""
        return {}

    def report(self) -> dict[str, Any]:
        """Return nothing beyond the losses."""
        return {}

    def example(self, name: str, feed: PairFeed) -> torch.Tensor:  # noqa: ARG002 - all take images
        """Return an image."""
        return torch.zeros(1, *feed.shape, device=self.draws.device)

    def step(self, place: Place, feed: PairFeed) -> torch.Tensor:
        """Train one iteration: generators first, as in the source; return the metrics in their order."""
        rate = self._set_rates(place, feed.batch_size)
        warming = place.step < self.params.d_warmup_steps
        for n in range(self.params.d_steps):
            a, b = feed.a.next(), feed.b.next()
            for _ in range(self.params.g_steps if n == 0 else 0):
                with torch.set_grad_enabled(not warming):
                    told, fakes = self._generators_step(a, b, learning=not warming)
            if n:
                with torch.no_grad():
                    fakes = Translated(a, b, self._translate[1](b), self._translate[0](a))
            judged = self._discriminators_step(fakes, place.step, n)
        if not warming:
            for average in self.averages.values():
                average.update(self.params.d_steps * feed.batch_size)
        d_loss_a, d_loss_b, *seen, d_norm = judged
        *g_losses, g_norm = told
        return torch.stack([d_loss_a, d_loss_b, *g_losses, *seen, d_norm, g_norm, d_norm.new_tensor(rate)])

    def _set_rates(self, place: Place, images: int) -> float:
        """Set both step sizes: a rise from zero over `warmup_images`, level, then a line to zero. Returns G's."""
        params = self.params
        rise = min(1.0, (place.seen + images) / params.warmup_images) if params.warmup_images else 1.0
        factor = rise * schedules.linear_decay(params.decay_from, place.fraction)
        g_rate = (params.g_learning_rate or params.learning_rate) * factor
        optimizers.set_learning_rate(self.optimizers["generators"], g_rate)
        d_rate = (params.d_learning_rate or params.learning_rate) * factor
        optimizers.set_learning_rate(self.optimizers["discriminators"], d_rate)
        return g_rate

    def _generators_step(
        self, a: torch.Tensor, b: torch.Tensor, *, learning: bool
    ) -> tuple[list[torch.Tensor], Translated]:
        """Return what the metrics tell of the generators, and the detached translations.

        Eq. 3: least squares against both discriminators, `cycle` times the cycle loss, and the identity loss of
        section 5.2, `identity` times as heavy.
        """
        ab, ba = self._translate
        judge_a, judge_b = self._judge
        for network in self._discriminators:
            network.requires_grad_(requires_grad=False)
        fake_b, fake_a = ab(a), ba(b)
        loss_a = losses.least_squares(judge_a(fake_a), 1.0)
        loss_b = losses.least_squares(judge_b(fake_b), 1.0)
        cycle = l1_loss(ba(fake_b), a) + l1_loss(ab(fake_a), b)
        identity = torch.zeros_like(cycle)
        if self.params.identity:
            identity = l1_loss(ba(a), a) + l1_loss(ab(b), b)
        loss = loss_a + loss_b + self.params.cycle * (cycle + self.params.identity * identity)
        norm = torch.zeros_like(cycle)
        if learning:
            norm = learn(self.optimizers["generators"], loss, *self._generators)
        told = [value.detach() for value in (loss_a, loss_b, cycle, identity)]
        return [*told, norm], Translated(a, b, fake_a.detach(), fake_b.detach())

    def _discriminators_step(self, seen: Translated, step: int, n: int) -> list[torch.Tensor]:
        """Return both losses, the mean scores of real and fake images of both domains, and the gradients' norm."""
        for network in self._discriminators:
            network.requires_grad_(requires_grad=True)
        judge_a, judge_b = self._judge
        real_a, real_b = judge_a(seen.a), judge_b(seen.b)
        fake_a = judge_a(self._pools["a"].exchange(seen.fake_a, step, n))
        fake_b = judge_b(self._pools["b"].exchange(seen.fake_b, step, n))
        wanted = 1.0 - self.params.label_smoothing
        # Halved, which slows the discriminators down against the generators (section 7.1).
        loss_a = (losses.least_squares(real_a, wanted) + losses.least_squares(fake_a, 0.0)) / 2
        loss_b = (losses.least_squares(real_b, wanted) + losses.least_squares(fake_b, 0.0)) / 2
        norm = learn(self.optimizers["discriminators"], loss_a + loss_b, *self._discriminators)
        means = [scores.detach().mean() for scores in (real_a, real_b, fake_a, fake_b)]
        return [loss_a.detach(), loss_b.detach(), *means, norm]
