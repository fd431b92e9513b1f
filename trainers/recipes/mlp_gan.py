"""`mlp_gan`: Goodfellow et al. 2014 with fully connected networks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from trainers.methods.adversarial import Players
from trainers.methods.joint_batch import ApartNorm1d
from trainers.recipes.recipe import Recipe, pair

if TYPE_CHECKING:
    from models.specs.mlp_gan import MlpGanParams

_SLOPE = 0.2


class Generator(nn.Module):
    """Noise (batch, noise_dim) -> images (batch, channels, height, width) in [-1, 1].

    At width 128 and 28x28 pixels: 50-128-256-512-1024-784; batch normalisation from the second hidden layer on.
    """

    def __init__(self, noise_dim: int, width: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape
        layers: list[nn.Module] = [nn.Linear(noise_dim, width), nn.LeakyReLU(_SLOPE)]
        for narrow in (width, 2 * width, 4 * width):
            layers += [nn.Linear(narrow, 2 * narrow), nn.BatchNorm1d(2 * narrow), nn.LeakyReLU(_SLOPE)]
        layers += [nn.Linear(8 * width, math.prod(shape)), nn.Tanh()]
        self.layers = nn.Sequential(*layers)

    def forward(self, noise: Tensor) -> Tensor:
        """Generate one image per row of noise."""
        flat: Tensor = self.layers(noise)  # (batch, channels * height * width)
        return flat.view(-1, *self.shape)


class Discriminator(nn.Module):
    """Images (batch, channels, height, width) -> logits (batch,). At width 128 and 28x28 pixels: 784-512-256-1."""

    def __init__(self, width: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(math.prod(shape), 4 * width),
            ApartNorm1d(4 * width),
            nn.LeakyReLU(_SLOPE),
            nn.Linear(4 * width, 2 * width),
            ApartNorm1d(2 * width),
            nn.LeakyReLU(_SLOPE),
            nn.Linear(2 * width, 1),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return a logit per image: above zero means real."""
        logits: Tensor = self.layers(images.flatten(1))  # (batch, 1)
        return logits.squeeze(1)


def players(params: MlpGanParams, shape: tuple[int, ...], mean: Tensor | None) -> Players:
    """Build both networks; with the parameter `init` = mean, the generator begins at the ``mean`` image of the data.

    Real and fake batches are normalised apart inside the discriminator, which takes away what all images of a batch
    share. So it cannot see a frame that is the same wrong noise in every fake, and the generator never mends it.
    """
    generator = Generator(params.noise_dim, params.width, shape)
    if mean is not None and begins_at_mean(params):
        last = cast("nn.Linear", generator.layers[-2])
        with torch.no_grad():
            # Clamped, because tanh is flat at the ends and has no gradient there.
            last.bias.copy_(mean.flatten().clamp(-0.999, 0.999).atanh())
    return Players(generator, Discriminator(params.width, shape))


def begins_at_mean(params: MlpGanParams) -> bool:
    """Return whether the generator begins at the mean image."""
    return params.init == "mean"


RECIPE = Recipe(pair(players), wants_mean=begins_at_mean)
