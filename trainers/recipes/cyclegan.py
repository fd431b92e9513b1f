"""`cyclegan`: Zhu et al. 2017, appendix 7.2: residual generators and 70x70 PatchGAN discriminators."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from torch import Tensor, nn

from trainers.recipes.layers import ReflectPad, ReflectPadBeside, paper_weights
from trainers.recipes.recipe import DataInfo, Recipe

if TYPE_CHECKING:
    from models.specs.cyclegan import CycleganParams


def _normed(layer: nn.Module, channels: int, act: nn.Module) -> list[nn.Module]:
    return [layer, nn.InstanceNorm2d(channels), act]


class Residual(nn.Module):
    """Two 3x3 convolutions with reflected edges beside the identity: (batch, channels, h, w) -> the same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            ReflectPadBeside(1),
            *_normed(nn.Conv2d(channels, channels, 3), channels, nn.ReLU(inplace=True)),
            ReflectPad(1),
            nn.Conv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels),
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the inputs plus the output of the convolutions."""
        pad, *layers = self.layers
        same, outputs = pad(inputs)  # outputs: (batch, channels, h + 2, w + 2)
        for layer in layers:
            outputs = layer(outputs)
        added: Tensor = same + outputs
        return added


class Generator(nn.Module):
    """Images (batch, channels, h, w) -> the other domain, in [-1, 1]: c7s1-64, d128, d256, R256 …, u128, u64."""

    def __init__(self, width: int, channels: int, blocks: int) -> None:
        super().__init__()
        relu = nn.ReLU(inplace=True)
        layers = [ReflectPad(3), *_normed(nn.Conv2d(channels, width, 7), width, relu)]
        for many in (width, 2 * width):
            layers += _normed(nn.Conv2d(many, 2 * many, 3, 2, 1), 2 * many, relu)  # halves
        layers += [Residual(4 * width) for _ in range(blocks)]
        for many in (4 * width, 2 * width):
            layers += _normed(nn.ConvTranspose2d(many, many // 2, 3, 2, 1, 1), many // 2, relu)  # doubles
        self.layers = nn.Sequential(*layers, ReflectPad(3), nn.Conv2d(width, channels, 7), nn.Tanh())

    def forward(self, images: Tensor) -> Tensor:
        """Translate each image."""
        translated: Tensor = self.layers(images)
        return translated


class PatchDiscriminator(nn.Module):
    """Images (batch, channels, h, w) -> a score for each patch of 70x70 pixels: C64-C128-C256-C512, no first norm."""

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)]
        for many, stride in ((width, 2), (2 * width, 2), (4 * width, 1)):
            act = nn.LeakyReLU(0.2, inplace=True)
            layers += _normed(nn.Conv2d(many, 2 * many, 4, stride, 1), 2 * many, act)
        self.layers = nn.Sequential(*layers, nn.Conv2d(8 * width, 1, 4, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Score each patch."""
        scores: Tensor = self.layers(images)  # (batch, 1, h / 8 - 2, w / 8 - 2)
        return scores


def networks(params: CycleganParams, data: DataInfo) -> dict[str, nn.Module]:
    """Build both generators and both discriminators."""
    channels, size = data.shape[0], data.shape[-1]
    blocks = params.blocks or (9 if size >= 256 else 6)
    built: dict[str, nn.Module] = {
        "generator_ab": Generator(params.width, channels, blocks),
        "generator_ba": Generator(params.width, channels, blocks),
        "discriminator_a": PatchDiscriminator(params.width, channels),
        "discriminator_b": PatchDiscriminator(params.width, channels),
    }
    return {name: network.apply(paper_weights) for name, network in built.items()}


def margin(params: CycleganParams) -> int:
    """Return the pixels to cut away at random: 286 to 256 in the source, and in proportion at other sizes."""
    size = cast("int", params.image_size)
    return round(size * 30 / 256) if params.jitter is None else params.jitter


RECIPE = Recipe(networks, method="translation", margin=margin)
