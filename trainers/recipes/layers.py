"""Layers that several recipes build their networks from."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class FromOnePixel(nn.ConvTranspose2d):
    """A transposed convolution of a single pixel, computed as a matrix product: several times faster on a CPU."""

    published_as = "ConvTranspose2d"

    def forward(self, inputs: Tensor, _output_size: list[int] | None = None) -> Tensor:
        """(batch, in) -> (batch, out, kernel, kernel), channels last."""
        flat = inputs @ self.weight.flatten(1)
        height, width = self.kernel_size
        images = flat.view(-1, self.out_channels, height, width)
        return images.contiguous(memory_format=torch.channels_last)


class ToOnePixel(nn.Conv2d):
    """A convolution whose kernel covers the whole image, computed as a matrix product."""

    published_as = "Conv2d"

    def forward(self, inputs: Tensor) -> Tensor:
        """(batch, in, kernel, kernel) -> (batch, out, 1, 1)."""
        products = inputs.flatten(1) @ self.weight.flatten(1).t()
        return products[:, :, None, None]


class EachToOnePixel(nn.Conv2d):
    """A depthwise convolution whose kernel covers the whole image, computed as a weighted sum.

    torch computes second derivatives of a grouped convolution group by group, with as many groups as channels here.
    """

    published_as = "Conv2d"

    def forward(self, inputs: Tensor) -> Tensor:
        """(batch, channels, kernel, kernel) -> (batch, channels, 1, 1)."""
        return (inputs * self.weight.squeeze(1)).sum((2, 3), keepdim=True)


class ReflectPad(nn.Module):
    """Reflection padding like nn.ReflectionPad2d, with a gradient that is deterministic on a GPU too."""

    def __init__(self, edge: int) -> None:
        super().__init__()
        self.edge = edge

    def forward(self, inputs: Tensor) -> Tensor:
        """(batch, channels, h, w) -> (batch, channels, h + 2 edge, w + 2 edge)."""
        n = self.edge
        tall = torch.cat([inputs[:, :, 1 : n + 1].flip(2), inputs, inputs[:, :, -n - 1 : -1].flip(2)], 2)
        return torch.cat([tall[..., 1 : n + 1].flip(3), tall, tall[..., -n - 1 : -1].flip(3)], 3)


def smoothly_doubled(inputs: Tensor) -> Tensor:
    """Bilinear interpolation to twice the resolution, (..., h, w) -> (..., 2h, 2w), with a deterministic gradient."""
    return _doubled_along(_doubled_along(inputs, -1), -2)


def _doubled_along(inputs: Tensor, axis: int) -> Tensor:
    """Interpolate along one axis: 3/4 of a pixel plus 1/4 of each neighbour. Edge pixels are repeated."""
    size = inputs.shape[axis]
    before = torch.cat([inputs.narrow(axis, 0, 1), inputs.narrow(axis, 0, size - 1)], axis)
    behind = torch.cat([inputs.narrow(axis, 1, size - 1), inputs.narrow(axis, size - 1, 1)], axis)
    pair = torch.stack([torch.lerp(inputs, before, 0.25), torch.lerp(inputs, behind, 0.25)], axis)
    return pair.flatten(axis - 1, axis) if axis < 0 else pair.flatten(axis, axis + 1)


def double(many: int, fewer: int, upsample: bool) -> nn.Module:
    """Return a layer for twice the resolution: a transposed convolution, or upsampling and a convolution.

    Odena et al. 2016. (batch, many, size, size) -> (batch, fewer, 2 size, 2 size).
    """
    if upsample:
        return nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(many, fewer, 3, 1, 1, bias=False))
    return nn.ConvTranspose2d(many, fewer, 4, 2, 1, bias=False)


def paper_weights(module: nn.Module) -> None:
    """Radford et al. 2016, section 4: weights from N(0, .02); scales of batch normalisation from N(1, .02)."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)
