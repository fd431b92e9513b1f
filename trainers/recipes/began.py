"""`began`: Berthelot et al. 2017. The generator has the form of the discriminator's decoder."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torch import Tensor, nn

from trainers.methods import objectives
from trainers.methods.adversarial import Players
from trainers.recipes.recipe import Recipe, pair

if TYPE_CHECKING:
    from models.specs.began import BeganParams

_SMALLEST = 8


def _convolutions(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, 1, 1), nn.ELU(inplace=True)]


class Decoder(nn.Module):
    """Codes (batch, code) -> images (batch, channels, size, size): section 3.5, figure 1.

    Two 3x3 convolutions at each resolution from 8 pixels on, pixels doubled between them.
    """

    def __init__(self, code: int, width: int, channels: int, size: int) -> None:
        super().__init__()
        self.width = width
        self.first = nn.Linear(code, width * _SMALLEST**2)
        layers: list[nn.Module] = []
        for stage in range(int(math.log2(size // _SMALLEST)) + 1):
            layers += [nn.Upsample(scale_factor=2)] if stage else []
            layers += _convolutions(width, width) + _convolutions(width, width)
        self.layers = nn.Sequential(*layers, nn.Conv2d(width, channels, 3, 1, 1))

    def forward(self, codes: Tensor) -> Tensor:
        """Generate one image per code."""
        images: Tensor = self.layers(self.first(codes).view(-1, self.width, _SMALLEST, _SMALLEST))
        return images


class Encoder(nn.Module):
    """Images (batch, channels, size, size) -> codes (batch, code). Channels grow by ``width`` with each halving."""

    def __init__(self, code: int, width: int, channels: int, size: int) -> None:
        super().__init__()
        layers = _convolutions(channels, width)
        many = width
        for _ in range(int(math.log2(size // _SMALLEST))):
            layers += _convolutions(many, many)
            layers += [nn.Conv2d(many, many + width, 3, 2, 1), nn.ELU(inplace=True)]
            many += width
        self.layers = nn.Sequential(*layers, *_convolutions(many, many), *_convolutions(many, many))
        self.last = nn.Linear(many * _SMALLEST**2, code)

    def forward(self, images: Tensor) -> Tensor:
        """Encode each image."""
        codes: Tensor = self.last(self.layers(images).flatten(1))
        return codes


class AutoEncoder(nn.Module):
    """Images (batch, channels, size, size) -> reconstruction losses L (batch,): eq. 1 with the absolute difference."""

    def __init__(self, code: int, width: int, channels: int, size: int) -> None:
        super().__init__()
        self.encoder = Encoder(code, width, channels, size)
        self.decoder = Decoder(code, width, channels, size)

    def forward(self, images: Tensor) -> Tensor:
        """Return the reconstruction error of each image, a mean over its pixels."""
        off: Tensor = (images - self.decoder(self.encoder(images))).abs()
        return off.flatten(1).mean(1)


def players(params: BeganParams, shape: tuple[int, ...], _mean: Tensor | None) -> Players:
    """Build both networks."""
    channels, size = shape[0], shape[-1]
    return Players(
        Decoder(params.noise_dim, params.width, channels, size),
        AutoEncoder(params.hidden, params.width, channels, size),
    )


RECIPE = Recipe(pair(players), objectives.balance)
