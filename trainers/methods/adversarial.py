"""One iteration of an adversarial pair, shared by every recipe that makes images from noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn

from trainers.device.graphs import Graphs
from trainers.device.precision import FLOAT32, at
from trainers.methods import optimizers, schedules
from trainers.methods.ema import Average
from trainers.methods.live_look import LiveLook
from trainers.methods.moving import Moving
from trainers.methods.steps import by_batch_statistics, differentiate

if TYPE_CHECKING:
    from typing import Callable, Sequence

    from models.specs.base import NoiseParams
    from trainers.data.images import Images
    from trainers.data.loader import ImageFeed
    from trainers.methods import Iteration
    from trainers.methods.objectives import Objective

# Metrics of every adversarial recipe; its objective may add some.
_METRICS = ("d_loss", "g_loss", "d_real", "d_fake", "d_grad_norm", "g_grad_norm", "learning_rate")


class Players(NamedTuple):
    """The networks: noise [N, noise_dim] -> images [N, C, H, W], and images -> one number each, [N]."""

    generator: nn.Module
    discriminator: nn.Module


class _Inputs(NamedTuple):
    """What a step of the discriminator is made of. The last two are None where no method asks for them."""

    real: torch.Tensor  # [N, C, H, W] float32, normalised
    noise: torch.Tensor  # [N, noise_dim]
    mix: torch.Tensor | None  # [N, 1, 1, 1], where a penalty looks between real and fake images
    places: torch.Tensor | None  # [2, 2 N], where the images are moved to


class Adversarial:
    """`d_steps` discriminator steps, then `g_steps` generator steps (Goodfellow et al. 2014, algorithm 1)."""

    def __init__(
        self,
        params: NoiseParams,
        players: Players,
        objective: Objective,
        feed: ImageFeed,
        schedule: schedules.PlayerSchedule,
        precision: str = FLOAT32,
        shift: int = 0,
        graphs: Graphs | None = None,
        held_out: Images | None = None,
    ) -> None:
        self.params = params
        self.generator, self.discriminator = players
        self.objective = objective
        self.feed = feed
        self.precision = precision
        # The same weights, called through mixed precision where the job asks for it.
        self._generate, self._judge = at(self.generator, precision), at(self.discriminator, precision)
        # What the discriminator is asked through: with a shift, it sees all images moved at random.
        self._moving = Moving(self._judge, shift) if shift else None
        self._judge = self._moving or self._judge
        self.networks: dict[str, nn.Module] = {"generator": self.generator, "discriminator": self.discriminator}
        self.averages: dict[str, Average] = {}
        if params.ema_half_life:
            self.averages["generator"] = Average(self.generator, params.ema_half_life)
        self.optimizers = {
            name: optimizers.make(params, network.parameters()) for name, network in self.networks.items()
        }
        self.extras = objective.extras
        self.d_output = objective.d_output
        self.live_look: LiveLook | None = LiveLook(*players, feed, params.noise_dim, held_out)
        self.metrics: tuple[str, ...] = (*_METRICS, *objective.metrics)
        self._schedule = schedule
        # The generator's step size as a metric. It stays on the device: a new tensor of a number would wait for it.
        self._rate = torch.zeros((), device=feed.draws.device)
        # Both players can use one batch of fakes only if the discriminator takes one step: several would make several.
        self._share = params.shared_fakes and schedule.d_steps.most == 1
        # A graph can hold the steps of optimizers that read all that changes on the device. Others step behind it.
        inside = schedule.beta2_end is None and all(optimizers.recordable(one) for one in self.optimizers.values())
        # Nothing can stand in the middle of a graph, where the discriminator steps before the generator uses it.
        in_the_middle = self._share or params.d_warmup_steps > 0
        self.graphs = graphs if graphs is not None and (inside or not in_the_middle) else Graphs()
        self._steps_behind = self.graphs.on and not inside

    def iterations(self, step: int, batches: int) -> int:
        """Return how many iterations, from ``step`` on, draw this many real batches, rounded up."""
        return self._schedule.d_steps.iterations(step, batches)

    def end_epoch(self) -> dict[str, float]:
        """Measure nothing at the end of an epoch: all metrics come from the steps."""
        self.objective.end_epoch()
        return {}

    def report(self) -> dict[str, object]:
        """Add nothing to the report."""
        return {}

    def example(self, name: str) -> torch.Tensor:
        """Return noise for the generator, an image for the discriminator: [1, ...]."""
        shape = (self.params.noise_dim,) if name == "generator" else self.feed.shape
        return torch.zeros(1, *shape, device=self.feed.draws.device)

    def step(self, iteration: Iteration) -> torch.Tensor:
        """Train one iteration; return the metrics in the order of `metrics`, those of each player's last step."""
        step, feed, params = iteration.step, self.feed, self.params
        d_steps = self._schedule.d_steps.at(step)
        # 1. Step sizes and penalty weights follow their schedules.
        self._set_rates(iteration, d_steps * feed.batch_size)
        # In the first iterations of some jobs the generator makes fakes but does not learn.
        warming = step < params.d_warmup_steps

        # 2. Discriminator steps, each with a new batch of real images and a new batch of fakes. What is random is drawn
        #    here; the rest are pieces that a GPU can be given whole.
        for n in range(d_steps):
            inputs = self._inputs(feed.next(), step, n)
            if n < d_steps - 1 or not (warming or self._share):
                d_metrics = self._piece(self._discriminator_alone, "discriminator", *inputs)
                continue
            places = self._places(len(inputs.real), step, d_steps)
            if warming:
                *d_metrics, g_loss, g_norm = self._piece(self._discriminator_only, "discriminator", *inputs, places)
            else:
                # Relativistic losses compare with real images: the discriminator's last ones, or others.
                others = feed.others(len(inputs.real), step, 0) if self._schedule.fresh_reals else None
                *d_metrics, g_loss, g_norm = self._piece(self._both, "generator", *inputs, places, others)

        # 3. Generator steps, against the discriminator as it is now. The first one may have used the last fakes of the
        #    discriminator; the others need new ones.
        real = inputs.real
        for n in range(params.g_steps if warming else int(self._share), params.g_steps):
            if self._schedule.fresh_reals:
                real = feed.others(len(real), step, n)
            # Noise is numbered on from the discriminator's, so that the two players never see the same.
            noise, places = self._noise(len(real), step, d_steps + n), self._places(len(real), step, d_steps + n)
            g_loss, g_norm = self._piece(self._generator_alone, "generator", noise, real, places)

        # 4. The moving average follows the generator, by the number of real images seen.
        if not warming:
            for average in self.averages.values():
                average.update(feed.sampler.seen - iteration.seen)

        # 5. Metrics stay on the device: reading them here would wait for it in every step.
        d_loss, d_real, d_fake, *more, d_norm = d_metrics
        more += self.objective.finish(d_real, g_loss)
        return torch.stack([d_loss, g_loss, d_real, d_fake, d_norm, g_norm, self._rate, *more])

    def _inputs(self, real: torch.Tensor, step: int, n: int) -> _Inputs:
        """Return what a step of the discriminator is made of: real images and random numbers."""
        count = len(real)
        # A gradient penalty looks between real and fake images: one position in 0..1 per image, [N, 1, 1, 1].
        mix = self.feed.draws.uniform((count, 1, 1, 1), "mix", step, n) if self.objective.mixes else None
        # The discriminator sees real and fake images at once.
        return _Inputs(real, self._noise(count, step, n), mix, self._places(2 * count, step, n))

    def _noise(self, images: int, step: int, n: int) -> torch.Tensor:
        """Return the latents of one batch, [N, noise_dim] standard normal, the same in every run of this seed."""
        return self.feed.draws.normal((images, self.params.noise_dim), "noise", step, n)

    def _places(self, images: int, step: int, n: int) -> torch.Tensor | None:
        """Return where the discriminator's images are moved to, [2, N] in 0..1; None if it sees them as they are."""
        return self.feed.draws.uniform((2, images), "move", step, n) if self._moving else None

    def _piece(
        self, piece: Callable[..., Sequence[torch.Tensor]], learner: str, *inputs: torch.Tensor | None
    ) -> Sequence[torch.Tensor]:
        """Call a piece of a step, at the end of which the ``learner`` learns, and return its metrics."""
        weights = optimizers.weights(self.optimizers[learner]) if self._steps_behind else []
        told = self.graphs.run(piece.__name__, piece, inputs, self.objective.penalised, weights)
        if self._steps_behind:
            self.optimizers[learner].step()
        return told

    def _set_rates(self, iteration: Iteration, images: int) -> None:
        """Set what follows a schedule: both step sizes, Adam's beta2, the average, the objective's weights.

        Rates rise linearly from zero over `warmup_images`, and fall to `learning_rate_end`.
        """
        params = self.params
        # Counted to the end of this iteration: with a rate of exactly zero the first step would do nothing.
        rise = min(1.0, (iteration.seen + images) / params.warmup_images) if params.warmup_images else 1.0
        rise *= self.objective.rate_factor()
        end = params.learning_rate_end
        rates = {}
        for name, own in (("generator", params.g_learning_rate), ("discriminator", params.d_learning_rate)):
            top = own or params.learning_rate
            # A player whose own rate is below the common end stays at its own.
            rates[name] = rise * (top if end is None else self._falling(top, min(top, end), iteration.fraction))
            optimizers.set_learning_rate(self.optimizers[name], rates[name])
        if self._schedule.beta2_end is not None:
            beta2 = schedules.cosine(params.beta2, self._schedule.beta2_end, iteration.fraction)
            for optimizer in self.optimizers.values():
                optimizers.set_betas(optimizer, params.beta1, beta2)
        if self._schedule.ema_start is not None and params.ema_half_life:
            for average in self.averages.values():
                average.half_life = schedules.cosine(self._schedule.ema_start, params.ema_half_life, iteration.fraction)
        self.objective.begin(iteration.step, iteration.fraction)
        self._rate.fill_(rates["generator"])

    def _falling(self, top: float, end: float, fraction: float) -> float:
        """Return a rate on its way from ``top`` to ``end``: along a cosine, or along a line that begins later."""
        if self._schedule.decay_from is None:
            return schedules.cosine(top, end, fraction)
        return end + (top - end) * schedules.linear_decay(self._schedule.decay_from, fraction)

    # What follows must make the same calls on the device every time, or be a case of its own in `_piece`.

    def _discriminator_alone(
        self, real: torch.Tensor, noise: torch.Tensor, mix: torch.Tensor | None, places: torch.Tensor | None
    ) -> list[torch.Tensor]:
        """Let the discriminator learn from fakes that nobody else uses; return its metrics."""
        with torch.no_grad():
            fake = self._generate(noise)  # [N, noise_dim] -> [N, C, H, W]
        return self._discriminator_step(real, fake, mix, places)

    def _generator_alone(
        self, noise: torch.Tensor, real: torch.Tensor, places: torch.Tensor | None
    ) -> list[torch.Tensor]:
        """Let the generator learn from new fakes; return its metrics."""
        return self._generator_step(self._generate(noise), real, places)

    def _both(
        self,
        real: torch.Tensor,
        noise: torch.Tensor,
        mix: torch.Tensor | None,
        places: torch.Tensor | None,
        g_places: torch.Tensor | None,
        others: torch.Tensor | None,
    ) -> list[torch.Tensor]:
        """Let both players learn from the same fakes; return the discriminator's metrics, then the generator's."""
        fake = self._generate(noise)
        # Detached: the discriminator's loss must not change the generator.
        d_metrics = self._discriminator_step(real, fake.detach(), mix, places)
        return d_metrics + self._generator_step(fake, real if others is None else others, g_places)

    def _discriminator_only(
        self,
        real: torch.Tensor,
        noise: torch.Tensor,
        mix: torch.Tensor | None,
        places: torch.Tensor | None,
        g_places: torch.Tensor | None,
    ) -> list[torch.Tensor]:
        """Let the discriminator learn, and look at the generator's loss behind it; return what `_both` returns."""
        with torch.no_grad():
            fake = self._generate(noise)
        d_metrics = self._discriminator_step(real, fake, mix, places)
        return d_metrics + self._generator_loss_only(fake, real, g_places)

    def _discriminator_step(
        self, real: torch.Tensor, fake: torch.Tensor, mix: torch.Tensor | None, places: torch.Tensor | None
    ) -> list[torch.Tensor]:
        """Return the discriminator's metrics: loss, D(real), D(fake), what the objective adds, the gradient norm."""
        self.discriminator.requires_grad_(requires_grad=True)
        # WGAN clips the critic's weights here.
        self.objective.before(self.discriminator)
        self._see(places)
        verdict = self.objective.discriminator(self._judge, real, fake, mix)
        norm = self._learn("discriminator", verdict.loss)
        return [verdict.loss.detach(), verdict.real, verdict.fake, *verdict.more, norm]

    def _generator_step(
        self, fake: torch.Tensor, real: torch.Tensor, places: torch.Tensor | None
    ) -> list[torch.Tensor]:
        """Return the generator's loss and the norm of its gradients."""
        # Gradients flow through the discriminator to the images; none is computed for its own weights.
        self.discriminator.requires_grad_(requires_grad=False)
        self._see(places)
        loss = self.objective.generator(self._judge, fake, real)
        return [loss.detach(), self._learn("generator", loss)]

    @torch.no_grad()
    def _generator_loss_only(
        self, fake: torch.Tensor, real: torch.Tensor, places: torch.Tensor | None
    ) -> list[torch.Tensor]:
        """Return the generator's loss while only the discriminator learns, and a gradient norm of zero."""
        self._see(places)
        # In training mode, as in the generator's own steps, so that the loss does not jump when the warm-up ends.
        with by_batch_statistics(self.discriminator):
            loss = self.objective.generator(self._judge, fake, real)
        return [loss, torch.zeros_like(loss)]

    def _see(self, places: torch.Tensor | None) -> None:
        """Say where the discriminator's next images are moved to."""
        if self._moving is not None and places is not None:
            self._moving.see(places)

    def _learn(self, player: str, loss: torch.Tensor) -> torch.Tensor:
        """Compute a player's gradients and take its step, unless that comes behind the piece; return their norm."""
        norm = differentiate(self.optimizers[player], loss, self.networks[player])
        if not self._steps_behind:
            self.optimizers[player].step()
        return norm
