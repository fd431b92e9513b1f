"""One iteration of an adversarial pair, shared by every recipe with a generator and a discriminator."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Callable, NamedTuple

import torch
from torch import nn

from trainers import optimizers
from trainers.averages import Average
from trainers.draws import Draws

if TYPE_CHECKING:
    from models.specs.base import AdversarialParams
    from trainers.feed import Feed
    from trainers.objectives import Objective


class Players(NamedTuple):
    """The networks: noise (batch, noise_dim) -> images, and images -> logits (batch,)."""

    generator: nn.Module
    discriminator: nn.Module


class Adversarial:
    """`d_steps` discriminator steps, then `g_steps` generator steps (Goodfellow et al. 2014, algorithm 1)."""

    metrics: tuple[str, ...] = ("d_loss", "g_loss", "d_real", "d_fake", "d_grad_norm", "g_grad_norm", "learning_rate")

    def __init__(self, params: AdversarialParams, players: Players, objective: Objective, draws: Draws) -> None:
        self.params = params
        self.generator, self.discriminator = players
        self.objective = objective
        self.draws = draws
        self.networks: dict[str, nn.Module] = {"generator": self.generator, "discriminator": self.discriminator}
        self.averages: dict[str, Average] = {}
        if params.ema_half_life:
            self.averages["generator"] = Average(self.generator, params.ema_half_life)
        self.optimizers = {
            name: optimizers.make(params, network.parameters()) for name, network in self.networks.items()
        }
        self._share = params.shared_fakes and params.d_steps == 1

    def iterations(self, batches: int) -> int:
        """Return how many iterations draw this many real batches, rounded up."""
        return math.ceil(batches / self.params.d_steps)

    def salt(self, salt: int) -> None:
        """Use other draws from now on."""
        self.draws = Draws(self.draws.seed, salt, self.draws.device)

    def paint(self, noise: torch.Tensor) -> torch.Tensor:
        """Return images from the generator, or from its average, in evaluation mode."""
        average = self.averages.get("generator")
        return paint(average.network if average else self.generator, noise)

    def step(self, step: int, feed: Feed) -> torch.Tensor:
        """Train one iteration; return the metrics in the order of `metrics`, those of each player's last step."""
        rate = self._set_rates(feed.seen)
        warming = step < self.params.d_warmup_steps
        for n in range(self.params.d_steps):
            real = feed.next()
            with torch.set_grad_enabled(self._share and not warming):
                fake = self.generator(self._noise(step, n))
            judged = self._discriminator_step(real, fake.detach())
        if warming:
            painted = self._judge_only(fake, real)
        else:
            for n in range(self.params.g_steps):
                if n or not self._share:
                    # Streams of the two players never meet: the discriminator's fakes are numbered from 0.
                    fake = self.generator(self._noise(step, self.params.d_steps + n))
                painted = self._generator_step(fake, real)
            for average in self.averages.values():
                average.update(self.params.d_steps * feed.batch_size)
        (d_loss, d_real, d_fake, d_norm), (g_loss, g_norm) = judged, painted
        return torch.stack([d_loss, g_loss, d_real, d_fake, d_norm, g_norm, d_loss.new_tensor(rate)])

    def _noise(self, step: int, n: int) -> torch.Tensor:
        return self.draws.normal((self.params.batch_size, self.params.noise_dim), "noise", step, n)

    def _set_rates(self, seen: int) -> float:
        """Set both step sizes, rising linearly from zero over `warmup_images`; return the generator's."""
        params = self.params
        rise = 1.0
        if params.warmup_images:
            # Counted to the end of the step in hand: a rate of exactly zero would waste the first step.
            rise = min(1.0, (seen + params.d_steps * params.batch_size) / params.warmup_images)
        g_rate = (params.g_learning_rate or params.learning_rate) * rise
        d_rate = (params.d_learning_rate or params.learning_rate) * rise
        optimizers.set_learning_rate(self.optimizers["generator"], g_rate)
        optimizers.set_learning_rate(self.optimizers["discriminator"], d_rate)
        return g_rate

    def _discriminator_step(self, real: torch.Tensor, fake: torch.Tensor) -> tuple[torch.Tensor, ...]:
        self.discriminator.requires_grad_(requires_grad=True)
        verdict = self.objective.discriminator(self.discriminator, real, fake)
        norm = self._learn("discriminator", verdict.loss)
        with torch.no_grad():
            return verdict.loss.detach(), verdict.real.sigmoid().mean(), verdict.fake.sigmoid().mean(), norm

    def _generator_step(self, fake: torch.Tensor, real: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        # Frozen weights: gradients flow through the discriminator to the images, none is computed for itself.
        self.discriminator.requires_grad_(requires_grad=False)
        loss = self.objective.generator(self.discriminator, fake, real)
        return loss.detach(), self._learn("generator", loss)

    @torch.no_grad()
    def _judge_only(self, fake: torch.Tensor, real: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the generator's loss while only the discriminator learns, and a gradient norm of zero."""
        self.discriminator.eval()
        loss = self.objective.generator(self.discriminator, fake, real)
        self.discriminator.train()
        return loss, torch.zeros_like(loss)

    def _learn(self, player: str, loss: torch.Tensor) -> torch.Tensor:
        """One optimizer step; return the norm of the gradients as a tensor, so that nobody waits for the device."""
        optimizer = self.optimizers[player]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = gradient_norm(self.networks[player])
        optimizer.step()
        return norm


def gradient_norm(network: nn.Module) -> torch.Tensor:
    """Euclidean norm of all gradients of a network together."""
    gradients = [weight.grad for weight in network.parameters() if weight.grad is not None]
    norm: torch.Tensor = torch.linalg.vector_norm(torch.stack(_norms(gradients)))
    return norm


def _one_by_one(tensors: list[torch.Tensor]) -> list[torch.Tensor]:
    return [torch.linalg.vector_norm(tensor) for tensor in tensors]


# One call for all tensors where this torch has it, which saves a dozen kernel launches a step.
_norms: Callable[[list[torch.Tensor]], list[torch.Tensor]] = getattr(torch, "_foreach_norm", _one_by_one)


@torch.no_grad()
def paint(generator: nn.Module, noise: torch.Tensor) -> torch.Tensor:
    """Run a generator in evaluation mode and put it back as it was."""
    training = generator.training
    generator.eval()
    images: torch.Tensor = generator(noise)
    generator.train(training)
    return images
