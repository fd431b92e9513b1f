"""`r3gan`: Huang et al. 2024. Residual networks without normalisation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from trainers.methods import objectives
from trainers.methods.adversarial import Players
from trainers.methods.schedules import CriticSteps, PlayerSchedule
from trainers.recipes.layers import EachToOnePixel, smoothly_doubled
from trainers.recipes.recipe import Recipe, pair

if TYPE_CHECKING:
    from models.specs.r3gan import R3ganParams

_SLOPE = 0.2
_GAIN = math.sqrt(2 / (1 + _SLOPE**2))


class Block(nn.Module):
    """x + conv3x3(f(conv3x3(f(x)))), (batch, channels, size, size) -> the same.

    The last convolution begins at zero, so that a network of any depth begins as a shallow one (Zhang et al. 2019). The
    paper's blocks have grouped convolutions between 1x1 ones; their second derivatives, which the penalties need, are
    computed group by group by torch, three times slower than these on a CPU (decision 0014).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(channels, channels, 3, 1, 1)
        self.last = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.act = nn.LeakyReLU(_SLOPE)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the inputs plus the output of the convolutions."""
        outputs: Tensor = inputs + self.last(self.act(self.mix(self.act(inputs))))
        return outputs


class Resample(nn.Module):
    """Changes the resolution by interpolation, and the number of channels by a 1x1 convolution if needed."""

    def __init__(self, inputs: int, outputs: int, scale: float) -> None:
        super().__init__()
        self.scale = scale
        self.mixed = nn.Conv2d(inputs, outputs, 1, bias=False) if inputs != outputs else nn.Identity()

    def forward(self, inputs: Tensor) -> Tensor:
        """(batch, inputs, size, size) -> (batch, outputs, scale size, scale size)."""
        if self.scale < 1:  # change the channels after shrinking, on fewer pixels
            shrunk: Tensor = self.mixed(nn.functional.avg_pool2d(inputs, 2))
            return shrunk
        return smoothly_doubled(self.mixed(inputs))


class Generator(nn.Module):
    """Noise (batch, noise_dim) -> images (batch, channels, size, size), around [-1, 1] but without a bound.

    A learned 4x4 picture, whose channels the noise weighs, grows to the size by residual stages.
    """

    def __init__(self, noise_dim: int, widths: list[int], channels: int, blocks: int) -> None:
        super().__init__()
        self.basis = nn.Parameter(torch.randn(widths[0], 4, 4))
        self.style = nn.Linear(noise_dim, widths[0], bias=False)
        layers: list[nn.Module] = [Block(widths[0]) for _ in range(blocks)]
        for wide, narrow in zip(widths, widths[1:]):
            layers += [Resample(wide, narrow, 2), *(Block(narrow) for _ in range(blocks))]
        self.layers = nn.Sequential(*layers)
        self.last = nn.Conv2d(widths[-1], channels, 1, bias=False)

    def forward(self, noise: Tensor) -> Tensor:
        """Generate one image per row of noise."""
        weighted = self.basis * self.style(noise)[:, :, None, None]  # (batch, widths[0], 4, 4)
        images: Tensor = self.last(self.layers(weighted))
        return images


class Discriminator(nn.Module):
    """Images (batch, channels, size, size) -> logits (batch,): the generator's stages in reverse."""

    def __init__(self, widths: list[int], channels: int, blocks: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, widths[0], 1)
        layers: list[nn.Module] = [Block(widths[0]) for _ in range(blocks)]
        for narrow, wide in zip(widths, widths[1:]):
            layers += [Resample(narrow, wide, 0.5), *(Block(wide) for _ in range(blocks))]
        self.layers = nn.Sequential(*layers)
        self.basis = EachToOnePixel(widths[-1], widths[-1], 4, groups=widths[-1], bias=False)  # 4 -> 1
        self.last = nn.Linear(widths[-1], 1, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return a logit per image. Only differences between logits have a meaning."""
        logits: Tensor = self.last(self.basis(self.layers(self.first(images))).flatten(1))
        return logits.squeeze(1)


def fixed_up(network: nn.Module) -> nn.Module:
    """Initialise as Zhang et al. 2019 (Fixup) for blocks of two layers: scaled down by depth, the last at zero."""
    blocks = [module for module in network.modules() if isinstance(module, Block)]
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.normal_(module.weight, 0.0, 1 / math.sqrt(module.weight[0].numel()))
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for block in blocks:
        block.mix.weight.data.mul_(_GAIN * len(blocks) ** -0.5)
        nn.init.zeros_(block.last.weight)
    return network


def widths_for(width: int, size: int) -> list[int]:
    """Channels from 4 pixels up to ``size``: ``width`` at the size, doubled with each halving, to 8 times at most."""
    stages = int(math.log2(size)) - 1
    return [width * min(8, 2 ** (stages - 1 - stage)) for stage in range(stages)]


def players(params: R3ganParams, shape: tuple[int, ...], _mean: Tensor | None) -> Players:
    """Build both networks."""
    widths = widths_for(params.width, shape[-1])
    generator = Generator(params.noise_dim, widths, shape[0], params.blocks)
    discriminator = Discriminator(widths[::-1], shape[0], params.blocks)
    return Players(fixed_up(generator), fixed_up(discriminator))


def schedule(params: R3ganParams) -> PlayerSchedule:
    """Raise Adam's beta2 over the budget, as the paper does."""
    return PlayerSchedule(CriticSteps.constant(params.d_steps), params.beta2_end)


RECIPE = Recipe(pair(players), objectives.relativistic, schedule, channels_last=False)
