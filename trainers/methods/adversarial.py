"""One iteration of an adversarial pair, shared by every recipe that paints from noise."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Callable, Iterator, NamedTuple

import torch
from torch import nn

from trainers.device.precision import FLOAT32, at
from trainers.methods import optimizers, schedules
from trainers.methods.ema import Average

if TYPE_CHECKING:
    from models.specs.base import NoiseParams
    from trainers.data.loader import Feed
    from trainers.data.rng import Draws
    from trainers.methods import Place
    from trainers.methods.objectives import Objective


class Players(NamedTuple):
    """The networks: noise (batch, noise_dim) -> images, and images -> one number each (batch,)."""

    generator: nn.Module
    discriminator: nn.Module


class Adversarial:
    """`d_steps` discriminator steps, then `g_steps` generator steps (Goodfellow et al. 2014, algorithm 1)."""

    def __init__(
        self, params: NoiseParams, players: Players, objective: Objective, draws: Draws, precision: str = FLOAT32
    ) -> None:
        self.params = params
        self.generator, self.discriminator = players
        self.objective = objective
        self.draws = draws
        self.precision = precision
        self._generate, self._judge = at(self.generator, precision), at(self.discriminator, precision)
        self.networks: dict[str, nn.Module] = {"generator": self.generator, "discriminator": self.discriminator}
        self.averages: dict[str, Average] = {}
        if params.ema_half_life:
            self.averages["generator"] = Average(self.generator, params.ema_half_life)
        self.optimizers = {
            name: optimizers.make(params, network.parameters()) for name, network in self.networks.items()
        }
        self.extras = objective.extras
        self.judged = objective.judged
        self.metrics: tuple[str, ...] = (
            "d_loss",
            "g_loss",
            "d_real",
            "d_fake",
            "d_grad_norm",
            "g_grad_norm",
            "learning_rate",
            *objective.metrics,
        )
        self._d_steps = schedules.CriticSteps.of(params)
        self._share = params.shared_fakes and self._d_steps.most == 1

    def iterations(self, step: int, batches: int) -> int:
        """Return how many iterations, from ``step`` on, draw this many real batches, rounded up."""
        return self._d_steps.iterations(step, batches)

    def salt(self, salt: int) -> None:
        """Use other draws from now on."""
        self.draws = self.draws.salted(salt)

    def end_epoch(self) -> dict[str, float]:
        """Nothing is measured once an epoch."""
        return {}

    def report(self) -> dict[str, Any]:
        """Return nothing beyond the losses."""
        return {}

    def example(self, name: str, feed: Feed) -> torch.Tensor:
        """Return noise for the generator, images for the discriminator."""
        shape = (self.params.noise_dim,) if name == "generator" else feed.shape
        return torch.zeros(1, *shape, device=self.draws.device)

    def step(self, place: Place, feed: Feed) -> torch.Tensor:
        """Train one iteration; return the metrics in the order of `metrics`, those of each player's last step."""
        step = place.step
        d_steps = self._d_steps.at(step)
        rate = self._set_rates(place, d_steps * feed.batch_size)
        warming = step < self.params.d_warmup_steps
        for n in range(d_steps):
            real = feed.next()
            with torch.set_grad_enabled(self._share and not warming):
                fake = self._generate(self._noise(feed, step, n))
            judged = self._discriminator_step(real, fake.detach(), step, n)
        if warming:
            painted = self._judge_only(fake, real)
        else:
            for n in range(self.params.g_steps):
                if n or not self._share:
                    # Streams of the two players never meet: the discriminator's fakes are numbered from 0.
                    fake = self._generate(self._noise(feed, step, d_steps + n))
                painted = self._generator_step(fake, real)
            for average in self.averages.values():
                average.update(d_steps * feed.batch_size)
        (d_loss, d_real, d_fake, *more, d_norm), (g_loss, g_norm) = judged, painted
        more += self.objective.finish(judged[1], g_loss)
        return torch.stack([d_loss, g_loss, d_real, d_fake, d_norm, g_norm, d_loss.new_tensor(rate), *more])

    def _noise(self, feed: Feed, step: int, n: int) -> torch.Tensor:
        return self.draws.normal((feed.batch_size, self.params.noise_dim), "noise", step, n)

    def _set_rates(self, place: Place, images: int) -> float:
        """Set what follows a schedule: both step sizes, Adam's decay, the objective's weights. Returns G's step size.

        Rates rise linearly from zero over `warmup_images`, and fall to `learning_rate_end` along a cosine.
        """
        params = self.params
        # Counted to the end of the step in hand: a rate of exactly zero would waste the first step.
        rise = min(1.0, (place.seen + images) / params.warmup_images) if params.warmup_images else 1.0
        end = params.learning_rate_end
        rates = {}
        for name, own in (("generator", params.g_learning_rate), ("discriminator", params.d_learning_rate)):
            top = own or params.learning_rate
            rates[name] = rise * (top if end is None else schedules.cosine(top, min(top, end), place.fraction))
            optimizers.set_learning_rate(self.optimizers[name], rates[name])
        if hasattr(params, "beta2_end"):
            beta2 = schedules.cosine(params.beta2, params.beta2_end, place.fraction)
            for optimizer in self.optimizers.values():
                optimizers.set_betas(optimizer, params.beta1, beta2)
        self.objective.progress(place.fraction)
        return rates["generator"]

    def _discriminator_step(self, real: torch.Tensor, fake: torch.Tensor, step: int, n: int) -> list[torch.Tensor]:
        """Return loss, D(real), D(fake), what the objective adds, and the gradients' norm."""
        self.discriminator.requires_grad_(requires_grad=True)
        self.objective.before(self.discriminator)
        mix = self.draws.uniform((len(real), 1, 1, 1), "mix", step, n) if self.objective.mixes else None
        verdict = self.objective.discriminator(self._judge, real, fake, mix)
        norm = self._learn("discriminator", verdict.loss)
        return [verdict.loss.detach(), verdict.real, verdict.fake, *verdict.more, norm]

    def _generator_step(self, fake: torch.Tensor, real: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        # Frozen weights: gradients flow through the discriminator to the images, none is computed for itself.
        self.discriminator.requires_grad_(requires_grad=False)
        loss = self.objective.generator(self._judge, fake, real)
        return loss.detach(), self._learn("generator", loss)

    @torch.no_grad()
    def _judge_only(self, fake: torch.Tensor, real: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the generator's loss while only the discriminator learns, and a gradient norm of zero."""
        with evaluating(self.discriminator):
            loss = self.objective.generator(self._judge, fake, real)
        return loss, torch.zeros_like(loss)

    def _learn(self, player: str, loss: torch.Tensor) -> torch.Tensor:
        """One optimizer step; return the norm of the gradients as a tensor, so that nobody waits for the device."""
        return learn(self.optimizers[player], loss, self.networks[player])


def learn(optimizer: torch.optim.Optimizer, loss: torch.Tensor, *networks: nn.Module) -> torch.Tensor:
    """Let an optimizer take one step down a loss; return the norm of the networks' gradients, without waiting."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    norm = gradient_norm(*networks)
    optimizer.step()
    return norm


def gradient_norm(*networks: nn.Module) -> torch.Tensor:
    """Euclidean norm of all gradients of some networks together."""
    gradients = [weight.grad for network in networks for weight in network.parameters() if weight.grad is not None]
    norm: torch.Tensor = torch.linalg.vector_norm(torch.stack(_norms(gradients)))
    return norm


def _one_by_one(tensors: list[torch.Tensor]) -> list[torch.Tensor]:
    return [torch.linalg.vector_norm(tensor) for tensor in tensors]


# One call for all tensors where this torch has it, which saves a dozen kernel launches a step.
_norms: Callable[[list[torch.Tensor]], list[torch.Tensor]] = getattr(torch, "_foreach_norm", _one_by_one)


@torch.no_grad()
def paint(generator: nn.Module, inputs: torch.Tensor) -> torch.Tensor:
    """Run a generator in evaluation mode and put it back as it was."""
    with evaluating(generator):
        images: torch.Tensor = generator(inputs)
    return images


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Put a network into evaluation mode, and back also when memory runs out: training goes on after that."""
    training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(training)
