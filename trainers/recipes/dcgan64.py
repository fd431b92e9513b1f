"""`dcgan64`: the networks of a published tutorial on faces, at 64 pixels in the source. `wgan_gp` has them too."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torch import Tensor, nn

from trainers.methods.adversarial import Players
from trainers.methods.joint_batch import ApartNorm2d
from trainers.recipes.layers import double
from trainers.recipes.recipe import Recipe, pair

if TYPE_CHECKING:
    from models.specs.dcgan64 import Dcgan64Params
    from models.specs.wgan_gp import WganGpParams

_SLOPE = 0.2


class Generator(nn.Module):
    """Noise (batch, noise_dim) -> images (batch, channels, size, size) in [-reach, reach].

    At width 64 and 64 pixels: dense 128 -> 4x4x512, then 512-256-128-64-channels. The source scales pixels to ±.5;
    half of the range of a plain tanh would lie beyond black and white, where only the discriminator sees a difference.
    """

    def __init__(
        self, noise_dim: int, width: int, channels: int, size: int, upsample: bool, reach: float = 1.0
    ) -> None:
        super().__init__()
        self.reach = reach
        stages = int(math.log2(size)) - 2
        many = width * 2 ** (stages - 1)
        self.first = nn.Linear(noise_dim, many * 16, bias=False)
        layers: list[nn.Module] = [nn.BatchNorm2d(many), nn.ReLU(inplace=True)]
        for _ in range(stages - 1):
            layers += [double(many, many // 2, upsample), nn.BatchNorm2d(many // 2), nn.ReLU(inplace=True)]
            many //= 2
        self.layers = nn.Sequential(*layers, double(many, channels, upsample), nn.Tanh())

    def forward(self, noise: Tensor) -> Tensor:
        """Generate one image per row of noise."""
        images: Tensor = self.layers(self.first(noise).view(len(noise), -1, 4, 4))
        return images if self.reach == 1 else self.reach * images


class Discriminator(nn.Module):
    """Images (batch, channels, size, size) -> logits or scores (batch,). At width 64 and 64 pixels: c-64-128-256-512-1.

    ``norm`` stands behind every convolution but the first: batch, layer (over channels and pixels of one image), none.
    """

    def __init__(self, width: int, channels: int, size: int, norm: str) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(_SLOPE, inplace=True)]
        many = width
        for _ in range(int(math.log2(size)) - 3):
            layers += [nn.Conv2d(many, 2 * many, 4, 2, 1, bias=norm == "none"), *_norm(norm, 2 * many)]
            layers += [nn.LeakyReLU(_SLOPE, inplace=True)]
            many *= 2
        self.layers = nn.Sequential(*layers)
        self.last = nn.Linear(many * 16, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Return a logit or score per image."""
        logits: Tensor = self.last(self.layers(images).flatten(1))  # (batch, 1)
        return logits.squeeze(1)


def _norm(name: str, channels: int) -> list[nn.Module]:
    if name == "batch":
        return [ApartNorm2d(channels)]
    # One group is layer normalisation (Ba et al. 2016) for images of any size.
    return [nn.GroupNorm(1, channels)] if name == "layer" else []


def scaled_weights(module: nn.Module) -> None:
    """He et al. 2015, eq. 14: the variance of each layer's outputs is that of its inputs."""
    if isinstance(module, (nn.Conv2d, nn.Linear)):
        nn.init.kaiming_normal_(module.weight, _SLOPE)
    elif isinstance(module, nn.ConvTranspose2d):
        # Each output pixel of a 4x4 kernel with stride 2 is a sum over 2x2 positions.
        fan_in = module.in_channels * module.kernel_size[0] * module.kernel_size[1] / module.stride[0] ** 2
        nn.init.normal_(module.weight, 0.0, math.sqrt(2 / fan_in))
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)) and module.bias is not None:
        nn.init.zeros_(module.bias)


def players(params: Dcgan64Params | WganGpParams, shape: tuple[int, ...], _mean: Tensor | None) -> Players:
    """Build both networks."""
    channels, size = shape[0], shape[-1]
    # The largest value of a normalised pixel.
    reach = max(params.normalize_mean, 1 - params.normalize_mean) / params.normalize_std
    generator = Generator(params.noise_dim, params.width, channels, size, params.upsample, reach)
    discriminator = Discriminator(params.width, channels, size, params.norm)
    return Players(generator.apply(scaled_weights), discriminator.apply(scaled_weights))


RECIPE = Recipe(pair(players))
