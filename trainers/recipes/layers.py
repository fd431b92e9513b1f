"""Layers that several recipes build their networks from."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional


class FromOnePixel(nn.ConvTranspose2d):
    """A transposed convolution of a single pixel, computed as a matrix product: several times faster on a CPU."""

    published_as = "ConvTranspose2d"

    def forward(self, inputs: Tensor, _output_size: list[int] | None = None) -> Tensor:
        """(batch, in) -> (batch, out, kernel, kernel), channels last."""
        height, width = self.kernel_size
        # Channels come last in the product as in memory: neither weights nor images are copied into another order.
        flat = inputs @ self.weight.permute(0, 2, 3, 1).flatten(1)  # (batch, kernel * kernel * out)
        return flat.view(-1, height, width, self.out_channels).permute(0, 3, 1, 2)


class ToOnePixel(nn.Conv2d):
    """A convolution whose kernel covers the whole image, computed as a matrix product."""

    published_as = "Conv2d"

    def forward(self, inputs: Tensor) -> Tensor:
        """(batch, in, kernel, kernel) -> (batch, out, 1, 1)."""
        # Channels last would copy nothing, but sums in that order have other last bits, for 1 % of a step of `dcgan`.
        products = inputs.flatten(1) @ self.weight.flatten(1).t()
        return products[:, :, None, None]


class DoubledConv2d(nn.Conv2d):
    """A 3x3 convolution of images at twice their resolution, nearest neighbour (Odena et al. 2016).

    Computed as a transposed convolution with 4x4 weights: four products for each number instead of nine, and doubled
    images are never written.
    """

    folding: Tensor

    def __init__(self, many: int, fewer: int) -> None:
        super().__init__(many, fewer, 3, 1, 1, bias=False)
        # Each pixel covers two places of the doubled image, so its weight for an output is a sum of neighbours: output
        # p gets weight m = p - 2i + 1 of pixel i: the convolution's weights 2 - m and 3 - m, where they exist.
        along = torch.tensor([[0.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
        self.register_buffer("folding", torch.kron(along, along).t().contiguous(), persistent=False)  # (9, 16)

    def forward(self, inputs: Tensor) -> Tensor:
        """(batch, many, size, size) -> (batch, fewer, 2 size, 2 size)."""
        folded = self.weight.flatten(2) @ self.folding  # (fewer, many, 16)
        weight = folded.view(self.out_channels, self.in_channels, 4, 4).transpose(0, 1)
        return functional.conv_transpose2d(inputs, weight, None, 2, 1)


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
        padded: Tensor = _Reflected.apply(inputs, self.edge)[1]
        return padded


class ReflectPadBeside(ReflectPad):
    """Reflection padding in a block that adds its inputs to its outputs: the gradients of both meet in one sum."""

    published_as = "ReflectPad"

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """Return the inputs for the sum, and the padded inputs."""
        same, padded = _Reflected.apply(inputs, self.edge)
        return same, padded


class _Context(Protocol):
    """What the forward pass leaves for the backward pass."""

    edge: int

    def set_materialize_grads(self, value: bool) -> None:
        """Say whether an output that nobody used has a gradient of zeros, or None."""


class _Reflected(torch.autograd.Function):
    """Writes each pixel once forward and folds the margins back in place; slices and concatenations fill six copies."""

    @staticmethod
    def forward(ctx: _Context, inputs: Tensor, edge: int) -> tuple[Tensor, Tensor]:
        """Write the images, then the mirrored rows, then the mirrored columns of both."""
        ctx.set_materialize_grads(False)
        ctx.edge = n = edge
        batch, channels, height, width = inputs.shape
        outer = torch.empty(
            (batch, channels, height + 2 * n, width + 2 * n),
            dtype=inputs.dtype,
            device=inputs.device,
            memory_format=_order(inputs),
        )
        tall = outer[..., n:-n]  # (batch, channels, h + 2 edge, w)
        tall[:, :, n:-n] = inputs
        tall[:, :, :n] = inputs[:, :, 1 : n + 1].flip(2)
        tall[:, :, -n:] = inputs[:, :, -n - 1 : -1].flip(2)
        outer[..., :n] = tall[..., 1 : n + 1].flip(3)
        outer[..., -n:] = tall[..., -n - 1 : -1].flip(3)
        return inputs.view_as(inputs), outer

    @staticmethod
    def backward(ctx: _Context, same: Tensor | None, outer: Tensor | None) -> tuple[Tensor | None, None]:
        """Add the gradients of the mirrored columns to the pixels they came from, then those of the mirrored rows.

        Sums have the order that the gradient of slices and concatenations has, so that bits are equal: what comes past
        the padding first, then the image, the right or lower margin, the left or upper one.
        """
        if outer is None:
            return same, None
        n = ctx.edge
        tall = outer[..., n:-n].clone(memory_format=_order(outer))  # (batch, channels, h + 2 edge, w)
        tall[..., -n - 1 : -1] += outer[..., -n:].flip(3)
        tall[..., 1 : n + 1] += outer[..., :n].flip(3)
        image = tall[:, :, n:-n]
        inner = image.clone(memory_format=_order(outer)) if same is None else same + image  # (batch, channels, h, w)
        inner[:, :, -n - 1 : -1] += tall[:, :, -n:].flip(2)
        inner[:, :, 1 : n + 1] += tall[:, :, :n].flip(2)
        return inner, None


def _order(images: Tensor) -> torch.memory_format:
    """Return the order of dimensions in memory. Kernels for either order sum differently."""
    return torch.channels_last if images.stride(1) == 1 else torch.contiguous_format


def smoothly_doubled(inputs: Tensor, *, zeros: bool = False) -> Tensor:
    """Bilinear interpolation to twice the resolution, (..., h, w) -> (..., 2h, 2w), with a deterministic gradient.

    Beyond the edges there are ``zeros``, or else the pixels at the edges once more.
    """
    return _doubled_along(_doubled_along(inputs, -1, zeros), -2, zeros)


def _doubled_along(inputs: Tensor, axis: int, zeros: bool) -> Tensor:
    """Interpolate along one axis: 3/4 of a pixel plus 1/4 of each neighbour."""
    size = inputs.shape[axis]
    # Gradients are added in the reverse order of these operations: another order gives other last bits.
    before = torch.cat([_beyond(inputs.narrow(axis, 0, 1), zeros), inputs.narrow(axis, 0, size - 1)], axis)
    behind = torch.cat([inputs.narrow(axis, 1, size - 1), _beyond(inputs.narrow(axis, size - 1, 1), zeros)], axis)
    pair = torch.stack([torch.lerp(inputs, before, 0.25), torch.lerp(inputs, behind, 0.25)], axis)
    return pair.flatten(axis - 1, axis) if axis < 0 else pair.flatten(axis, axis + 1)


def _beyond(edge: Tensor, zeros: bool) -> Tensor:
    """Return what stands beyond the pixels of an edge."""
    return torch.zeros_like(edge) if zeros else edge


def smoothly_halved(inputs: Tensor) -> Tensor:
    """The transpose of doubling with zeros, halved in each direction: (..., 2h, 2w) -> (..., h, w)."""
    return _halved_along(_halved_along(inputs, -1), -2)


def _halved_along(inputs: Tensor, axis: int) -> Tensor:
    """Weigh the two pixels of each pair by 3/8 and their outer neighbours by 1/8; beyond the edges there are zeros."""
    # [..., h] each: pixels 0, 2, 4… and 1, 3, 5…
    even, odd = inputs.unflatten(axis, (-1, 2)).unbind(axis)  # type: ignore[no-untyped-call]
    nothing = torch.zeros_like(even.narrow(axis, 0, 1))
    before = torch.cat([nothing, odd.narrow(axis, 0, odd.shape[axis] - 1)], axis)
    behind = torch.cat([even.narrow(axis, 1, even.shape[axis] - 1), nothing], axis)
    return 0.5 * (torch.lerp(even, before, 0.25) + torch.lerp(odd, behind, 0.25))


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
