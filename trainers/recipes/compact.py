"""`compact`: small, modern networks for good pictures within minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from trainers.methods import objectives
from trainers.methods.adversarial import Players
from trainers.methods.schedules import CriticSteps, PlayerSchedule
from trainers.recipes.layers import DoubledConv2d
from trainers.recipes.recipe import Recipe, pair

if TYPE_CHECKING:
    from models.specs.compact import CompactParams

# Channels grow by half a width with each halving, up to this many widths.
_WIDEST = 2
# The generator begins with at least so many pixels on each side: 7 for 28 px, 8 for 64 px, 6 for 96 px.
_SMALLEST_SIDE = 5


class Spread(nn.Linear):
    """A dense layer from noise to an image, (batch, in) -> (batch, channels, side, side), channels last."""

    def __init__(self, inputs: int, channels: int, side: int) -> None:
        super().__init__(inputs, side * side * channels, bias=False)
        self.channels, self.side = channels, side

    def forward(self, inputs: Tensor) -> Tensor:
        """Compute the channels last, so that no convolution has to reorder them."""
        flat: Tensor = super().forward(inputs)
        return flat.view(-1, self.side, self.side, self.channels).permute(0, 3, 1, 2)


class Generator(nn.Module):
    """Noise (batch, noise_dim) -> images (batch, channels, size, size) in [-1, 1].

    One convolution at each resolution up to half of the images', from where the last one paints the images: layers at
    full resolution cost most and give least.
    """

    def __init__(self, noise_dim: int, widths: list[int], side: int, channels: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [Spread(noise_dim, widths[0], side), *_normed(widths[0])]
        for stage, width in enumerate(widths):
            if stage:
                layers += [DoubledConv2d(widths[stage - 1], width), *_normed(width)]
            layers += [nn.Conv2d(width, width, 3, 1, 1, bias=False), *_normed(width)]
        self.layers = nn.Sequential(*layers, DoubledConv2d(widths[-1], channels), nn.Tanh())

    def forward(self, noise: Tensor) -> Tensor:
        """Generate one image per row of noise."""
        images: Tensor = self.layers(noise)
        return images


class Discriminator(nn.Module):
    """Images (batch, channels, size, size) -> logits (batch,). Each convolution but the last halves the resolution.

    It has no normalisation: the penalty is per image, and batch normalisation mixes images.
    """

    def __init__(self, widths: list[int], size: int, channels: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before, side = channels, size
        for width in widths:
            layers += [nn.Conv2d(before, width, 3 if side % 2 else 4, 2, 1), nn.LeakyReLU(0.2)]
            before, side = width, (side + 1) // 2
        layers += [nn.Conv2d(before, before, 3, 1, 1), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers)
        self.last = nn.Linear(before * side * side, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Return a logit per image: above zero means real."""
        features = self.layers(images).permute(0, 2, 3, 1).flatten(1)  # (batch, side * side * channels)
        logits: Tensor = self.last(features)
        return logits.squeeze(1)


def players(params: CompactParams, shape: tuple[int, ...], _mean: Tensor | None) -> Players:
    """Build both networks."""
    channels, size = shape[0], shape[-1]
    doublings, width = doublings_to(size), params.width
    # From the smallest resolution to half of the images'.
    widths = [width * min(2 * _WIDEST, 2 + stage) // 2 for stage in reversed(range(doublings))]
    generator = Generator(params.noise_dim, widths, size >> doublings, channels)
    # From the largest resolution on. It has no layer at full resolution either.
    discriminator = Discriminator([width * min(4, 2**stage) // 2 for stage in range(doublings + 1)], size, channels)
    for network in (generator, discriminator):
        network.to(memory_format=torch.channels_last)
    return Players(generator, discriminator)


def doublings_to(size: int) -> int:
    """Return how often the generator doubles its first image: 2 for 28 and 32 px, 3 for 48 and 64, 4 for 96 and 128."""
    doublings = 0
    while size % 2 == 0 and size // 2 >= _SMALLEST_SIDE:
        doublings, size = doublings + 1, size // 2
    return doublings


def schedule(params: CompactParams) -> PlayerSchedule:
    """Keep the learning rate for the first part of the budget: most is learned there."""
    return PlayerSchedule(CriticSteps.constant(params.d_steps), decay_from=params.decay_from)


def _normed(channels: int) -> list[nn.Module]:
    return [nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]


def _shift(params: CompactParams) -> int:
    return params.shift


RECIPE = Recipe(pair(players), objectives.regularised, schedule, shift=_shift)
