"""`wgan`: the convolutional networks of Arjovsky et al. 2017's code for 16 to 256 pixels, in the course's order."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torch import Tensor, nn

from trainers.methods.adversarial import Players
from trainers.methods.constraints import Clip
from trainers.methods.joint_batch import ApartNorm2d
from trainers.methods.objectives import Objective, Wasserstein
from trainers.methods.schedules import CriticSteps, PlayerSchedule
from trainers.recipes.layers import FromOnePixel, double, paper_weights
from trainers.recipes.recipe import Recipe, pair

if TYPE_CHECKING:
    import torch

    from models.specs.wgan import WganParams


def _rectified(layer: nn.Module, channels: int) -> list[nn.Module]:
    """Convolution, activation, normalisation: in this order in the generator of the source."""
    return [layer, nn.ReLU(inplace=True), nn.BatchNorm2d(channels)]


class Generator(nn.Module):
    """Noise (batch, noise_dim) -> images (batch, channels, size, size) in [-1, 1].

    From 4x4 pixels up: each stage doubles the resolution and halves the channels, down to ``width`` at half the size.
    """

    def __init__(self, noise_dim: int, width: int, channels: int, size: int, extra: int, upsample: bool) -> None:
        super().__init__()
        stages = int(math.log2(size)) - 3  # from 4 pixels to half the size
        many = width * 2**stages
        layers = _rectified(FromOnePixel(noise_dim, many, 4, 1, 0, bias=False), many)  # 1 -> 4
        for _ in range(stages):
            layers += _rectified(double(many, many // 2, upsample), many // 2)
            many //= 2
        for _ in range(extra):
            layers += _rectified(nn.Conv2d(many, many, 3, 1, 1, bias=False), many)
        self.layers = nn.Sequential(*layers, double(many, channels, upsample), nn.Tanh())

    def forward(self, noise: Tensor) -> Tensor:
        """Generate one image per row of noise."""
        images: Tensor = self.layers(noise)
        return images


class Critic(nn.Module):
    """Images (batch, channels, size, size) -> scores (batch,).

    The first convolution has no normalisation; each stage halves the resolution and doubles the channels, to 4x4.
    """

    def __init__(self, width: int, channels: int, size: int, extra: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True)]
        many = width
        for _ in range(extra):
            layers += [nn.Conv2d(many, many, 3, 1, 1, bias=False), nn.LeakyReLU(0.2, inplace=True)]
            layers += [ApartNorm2d(many)]
        for _ in range(int(math.log2(size)) - 3):
            layers += [nn.Conv2d(many, 2 * many, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True)]
            layers += [ApartNorm2d(2 * many)]
            many *= 2
        self.layers = nn.Sequential(*layers, nn.Conv2d(many, 1, 4, 1, 0, bias=False))  # 4 -> 1

    def forward(self, images: Tensor) -> Tensor:
        """Score each image. The source takes the mean of the batch here; the loss does it."""
        scores: Tensor = self.layers(images)  # (batch, 1, 1, 1)
        return scores.flatten()


def players(params: WganParams, shape: tuple[int, ...], _mean: Tensor | None) -> Players:
    """Build both networks, with the weights of Radford et al. 2016 as the source has them."""
    channels, size = shape[0], shape[-1]
    generator = Generator(params.noise_dim, params.width, channels, size, params.extra_layers, params.upsample)
    critic = Critic(params.width, channels, size, params.extra_layers)
    return Players(generator.apply(paper_weights), critic.apply(paper_weights))


def objective(params: WganParams, _device: torch.device) -> Objective:
    """Make the objective of the parameters."""
    return Wasserstein(Clip(params.clip))


def schedule(params: WganParams) -> PlayerSchedule:
    """Train the critic for longer in the first iterations and at regular ones, as the source does."""
    return PlayerSchedule(CriticSteps.of(params))


RECIPE = Recipe(pair(players), objective, schedule)
