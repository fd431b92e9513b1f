"""`dcgan`: Radford et al. 2016, at 28 pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from trainers.adversarial import Players

if TYPE_CHECKING:
    from models.specs.base import AdversarialParams
    from models.specs.dcgan import DcganParams


class FromOnePixel(nn.ConvTranspose2d):
    """A transposed convolution of single pixels, as the matrix product that it is: several times faster on a CPU."""

    published_as = "ConvTranspose2d"

    def forward(self, inputs: Tensor, _output_size: list[int] | None = None) -> Tensor:
        """(batch, in) -> (batch, out, kernel, kernel), channels last."""
        flat = inputs @ self.weight.flatten(1)
        height, width = self.kernel_size
        images = flat.view(-1, self.out_channels, height, width)
        return images.contiguous(memory_format=torch.channels_last)


class ToOnePixel(nn.Conv2d):
    """A convolution whose kernel covers the whole image, as the matrix product that it is."""

    published_as = "Conv2d"

    def forward(self, inputs: Tensor) -> Tensor:
        """(batch, in, kernel, kernel) -> (batch, out, 1, 1)."""
        products = inputs.flatten(1) @ self.weight.flatten(1).t()
        return products[:, :, None, None]


class Generator(nn.Module):
    """Noise (batch, noise_dim) -> images (batch, channels, 28, 28) in [-1, 1]. At width 64: 100-256-128-64-1."""

    def __init__(self, noise_dim: int, width: int, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            FromOnePixel(noise_dim, 4 * width, 4, 1, 0, bias=False),  # 1 -> 4
            nn.BatchNorm2d(4 * width),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(4 * width, 2 * width, 4, 2, 1, bias=False),  # 4 -> 8
            nn.BatchNorm2d(2 * width),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False),  # 8 -> 16
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(width, channels, 4, 2, 3, bias=False),  # 16 -> 28
            nn.Tanh(),
        )

    def forward(self, noise: Tensor) -> Tensor:
        """Paint one image for each row of noise."""
        images: Tensor = self.layers(noise)
        return images


class Discriminator(nn.Module):
    """Images (batch, channels, 28, 28) -> logits (batch,). At width 64: 1-64-128-256-1."""

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, width, 4, 2, 1, bias=False),  # 28 -> 14
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False),  # 14 -> 7
            nn.BatchNorm2d(2 * width),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(2 * width, 4 * width, 3, 2, 1, bias=False),  # 7 -> 4
            nn.BatchNorm2d(4 * width),
            nn.LeakyReLU(0.2, inplace=True),
            ToOnePixel(4 * width, 1, 4, 1, 0, bias=False),  # 4 -> 1
        )

    def forward(self, images: Tensor) -> Tensor:
        """Judge each image: above zero means real."""
        logits: Tensor = self.layers(images)  # (batch, 1, 1, 1)
        return logits.flatten()


def paper_weights(module: nn.Module) -> None:
    """Radford et al. 2016, section 4: weights from N(0, .02); scales of batch normalisation from N(1, .02)."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


def players(params: AdversarialParams, shape: tuple[int, ...], _mean: Tensor | None) -> Players:
    """Build both networks."""
    pair = Players(Generator(params.noise_dim, params.width, shape[0]), Discriminator(params.width, shape[0]))
    if cast("DcganParams", params).init == "normal":
        for network in pair:
            network.apply(paper_weights)
    for network in pair:
        # Half as fast again on a CPU, since oneDNN's kernels want channels last and would reorder at every layer.
        network.to(memory_format=torch.channels_last)
    return pair
