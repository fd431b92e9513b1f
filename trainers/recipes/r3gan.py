"""`r3gan`: Huang et al. 2024. Residual networks without normalisation."""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import TYPE_CHECKING, ContextManager, NamedTuple

import torch
from torch import Tensor, nn

from trainers.methods import objectives
from trainers.methods.adversarial import Players
from trainers.methods.schedules import CriticSteps, PlayerSchedule
from trainers.recipes.layers import EachToOnePixel, smoothly_doubled, smoothly_halved
from trainers.recipes.recipe import Recipe, pair

if TYPE_CHECKING:
    from models.specs.r3gan import R3ganParams

_SLOPE = 0.2
_GAIN = math.sqrt(2 / (1 + _SLOPE**2))
# Of the paper's blocks: channels inside for each channel outside, and channels of a group.
_EXPANSION = 2
_GROUP_WIDTH = 16


class Block(nn.Module):
    """A residual block, (batch, channels, size, size) -> the same.

    Its last convolution begins at zero, so that a network of any depth begins as a shallow one (Zhang et al. 2019).
    """

    last: nn.Conv2d


class PlainBlock(Block):
    """x + conv3x3(f(conv3x3(f(x)))).

    torch computes the second derivatives of the paper's grouped convolutions, which the penalties need, group by group:
    on a CPU these blocks are three times as fast (decision 0014).
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


class GroupedBlock(Block):
    """x + conv1x1(f(conv3x3(f(conv1x1(x))))), the paper's: twice the channels inside, 3x3 in groups of 16 channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inside = _EXPANSION * channels
        # Widths that 16 does not divide have groups of the largest number that divides both.
        groups = inside // math.gcd(inside, _GROUP_WIDTH)
        self.widen = nn.Conv2d(channels, inside, 1)
        self.mix = nn.Conv2d(inside, inside, 3, 1, 1, groups=groups)
        self.last = nn.Conv2d(inside, channels, 1, bias=False)
        self.act = nn.LeakyReLU(_SLOPE)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the inputs plus the output of the convolutions, (batch, 2 channels, size, size) inside."""
        outputs: Tensor = inputs + self.last(self.act(self.mix(self.act(self.widen(inputs)))))
        return outputs


class Resample(nn.Module):
    """Changes the resolution by interpolation, and the number of channels by a 1x1 convolution if needed.

    With ``zeros`` the interpolation is the paper's: weights 1, 3, 3, 1 in both directions, with zeros beyond the edges.
    """

    def __init__(self, inputs: int, outputs: int, scale: float, *, zeros: bool) -> None:
        super().__init__()
        self.scale = scale
        self.zeros = zeros
        self.mixed = nn.Conv2d(inputs, outputs, 1, bias=False) if inputs != outputs else nn.Identity()

    def forward(self, inputs: Tensor) -> Tensor:
        """(batch, inputs, size, size) -> (batch, outputs, scale size, scale size)."""
        if self.scale < 1:  # change the channels after shrinking, on fewer pixels
            half = smoothly_halved(inputs) if self.zeros else nn.functional.avg_pool2d(inputs, 2)
            shrunk: Tensor = self.mixed(half)
            return shrunk
        return smoothly_doubled(self.mixed(inputs), zeros=self.zeros)


class Design(NamedTuple):
    """What both networks are built from. ``widths`` are channels from 4 pixels up to the full resolution."""

    widths: list[int]
    blocks: int  # at each resolution
    grouped: bool = False  # the paper's blocks and resampling, and no bias in the discriminator's first layer

    def stages(self, scale: float) -> list[nn.Module]:
        """Return the blocks of all resolutions with a change of resolution between them, up or (scale .5) down."""
        widths = self.widths if scale > 1 else self.widths[::-1]
        kind = GroupedBlock if self.grouped else PlainBlock
        layers: list[nn.Module] = [kind(widths[0]) for _ in range(self.blocks)]
        for before, after in zip(widths, widths[1:]):
            layers.append(Resample(before, after, scale, zeros=self.grouped))
            layers += [kind(after) for _ in range(self.blocks)]
        return layers

    def lowest(self, inputs: Tensor) -> ContextManager[object]:
        """Return the context of the layers at 4 pixels: the paper's compute in float32 also in mixed precision."""
        return torch.autocast(inputs.device.type, enabled=False) if self.grouped else nullcontext()


class Generator(nn.Module):
    """Noise (batch, noise_dim) -> images (batch, channels, size, size), around [-1, 1] but without a bound.

    A learned 4x4 picture, whose channels the noise weighs, grows to the size by residual stages.
    """

    def __init__(self, noise_dim: int, channels: int, design: Design) -> None:
        super().__init__()
        self.design = design
        widths = design.widths
        self.basis = nn.Parameter(torch.randn(widths[0], 4, 4))
        self.style = nn.Linear(noise_dim, widths[0], bias=False)
        self.layers = nn.Sequential(*design.stages(2))
        self.last = nn.Conv2d(widths[-1], channels, 1, bias=False)

    def forward(self, noise: Tensor) -> Tensor:
        """Generate one image per row of noise."""
        blocks = self.design.blocks
        with self.design.lowest(noise):
            weighted = self.basis * self.style(noise)[:, :, None, None]  # (batch, widths[0], 4, 4)
            lowest = self.layers[:blocks](weighted)
        images: Tensor = self.last(self.layers[blocks:](lowest))
        return images


class Discriminator(nn.Module):
    """Images (batch, channels, size, size) -> logits (batch,): the generator's stages in reverse."""

    def __init__(self, channels: int, design: Design) -> None:
        super().__init__()
        self.design = design
        widest, narrowest = design.widths[0], design.widths[-1]
        self.first = nn.Conv2d(channels, narrowest, 1, bias=not design.grouped)
        self.layers = nn.Sequential(*design.stages(0.5))
        self.basis = EachToOnePixel(widest, widest, 4, groups=widest, bias=False)  # 4 -> 1
        self.last = nn.Linear(widest, 1, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return a logit per image. Only differences between logits have a meaning."""
        blocks = self.design.blocks
        lowest = self.layers[:-blocks](self.first(images))  # (batch, widths[0], 4, 4)
        with self.design.lowest(images):
            if self.design.grouped:
                lowest = lowest.to(self.last.weight.dtype)
            logits: Tensor = self.last(self.basis(self.layers[-blocks:](lowest)).flatten(1))
        return logits.squeeze(1)


def fixed_up(network: nn.Module) -> nn.Module:
    """Initialise as Zhang et al. 2019 (Fixup): blocks scaled down by depth, the last layer of each at zero.

    In a network of L blocks with m layers each, all but the last are scaled by L^(-1 / (2m - 2)).
    """
    blocks = [module for module in network.modules() if isinstance(module, Block)]
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.normal_(module.weight, 0.0, 1 / math.sqrt(module.weight[0].numel()))
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for block in blocks:
        inner = [one for one in block.children() if isinstance(one, nn.Conv2d) and one is not block.last]
        for convolution in inner:
            convolution.weight.data.mul_(_GAIN * len(blocks) ** (-0.5 / len(inner)))
        nn.init.zeros_(block.last.weight)
    return network


def widths_for(width: int, size: int, most: int | None = None) -> list[int]:
    """Channels from 4 pixels up to ``size``: ``width`` at the size, doubled with each halving, to ``most`` channels.

    If ``most`` is not set: to 8 times ``width``.
    """
    stages = int(math.log2(size)) - 1
    return [min(width * 2 ** (stages - 1 - stage), most or 8 * width) for stage in range(stages)]


def players(params: R3ganParams, shape: tuple[int, ...], _mean: Tensor | None) -> Players:
    """Build both networks."""
    # The parameters of older jobs lack the last two: their blocks are plain.
    given = vars(params)
    widths = widths_for(params.width, shape[-1], given.get("max_width"))
    design = Design(widths, params.blocks, grouped=given.get("block_kind") == "grouped")
    generator = Generator(params.noise_dim, shape[0], design)
    discriminator = Discriminator(shape[0], design)
    return Players(fixed_up(generator), fixed_up(discriminator))


def schedule(params: R3ganParams) -> PlayerSchedule:
    """Raise Adam's beta2 and the average's half-life over the budget, as the paper does."""
    # The parameters of older jobs lack the last two.
    given = vars(params)
    return PlayerSchedule(
        CriticSteps.constant(params.d_steps),
        beta2_end=params.beta2_end,
        ema_start=given.get("ema_half_life_start"),
        fresh_reals=bool(given.get("fresh_reals")),
    )


RECIPE = Recipe(pair(players), objectives.relativistic, schedule, channels_last=False)
