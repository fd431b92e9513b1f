"""Layers of our own, against the formulations that they stand for."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from trainers.outputs import layers
from trainers.recipes.cyclegan import Residual
from trainers.recipes.layers import FromOnePixel, ReflectPad, ReflectPadBeside

# Ordinary images; and small ones, in which one pixel is mirrored by two, three or four margins.
SIZES = [((2, 3, 16, 12), 1), ((1, 5, 20, 9), 3), ((2, 3, 5, 7), 3), ((2, 3, 4, 4), 3), ((1, 1, 2, 2), 1)]


def concatenated(inputs, n):
    """Reflection padding as slices and concatenations, whose gradient torch works out by itself."""
    tall = torch.cat([inputs[:, :, 1 : n + 1].flip(2), inputs, inputs[:, :, -n - 1 : -1].flip(2)], 2)
    return torch.cat([tall[..., 1 : n + 1].flip(3), tall, tall[..., -n - 1 : -1].flip(3)], 3)


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
def test_a_convolution_of_one_pixel_makes_images_in_channels_last_order_without_other_bits(order):
    torch.manual_seed(0)
    layer = FromOnePixel(100, 64, 4, 1, 0, bias=False).to(memory_format=order)
    noise = torch.randn(32, 100)
    images = layer(noise)
    assert images.is_contiguous(memory_format=torch.channels_last)
    expected = (noise @ layer.weight.flatten(1)).view(-1, 64, 4, 4)
    assert torch.equal(images, expected)
    weights = torch.randn_like(images)
    (gradient,) = torch.autograd.grad(images, layer.weight, weights)
    assert torch.equal(gradient, torch.autograd.grad(expected, layer.weight, weights)[0])


@pytest.mark.parametrize(("shape", "edge"), SIZES)
def test_reflection_padding_and_its_gradient_equal_those_of_concatenations_to_the_bit(shape, edge):
    torch.manual_seed(0)
    inputs = torch.randn(shape, requires_grad=True)
    padded, expected = ReflectPad(edge)(inputs), concatenated(inputs, edge)
    assert torch.equal(padded, nn.ReflectionPad2d(edge)(inputs))
    weights = torch.randn_like(padded)
    (gradient,) = torch.autograd.grad(padded, inputs, weights)
    assert torch.equal(gradient, torch.autograd.grad(expected, inputs, weights)[0])


@pytest.mark.parametrize(("shape", "edge"), SIZES)
def test_reflection_padding_has_first_and_second_derivatives(shape, edge):
    inputs = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(ReflectPad(edge), inputs)
    assert torch.autograd.gradgradcheck(ReflectPad(edge), inputs)


def test_a_residual_block_has_the_gradients_of_concatenations_to_the_bit():
    torch.manual_seed(0)
    block, weights = Residual(4), torch.randn(2, 4, 8, 8)
    inputs = torch.randn(2, 4, 8, 8, requires_grad=True)
    (gradient,) = torch.autograd.grad(block(inputs), inputs, weights)
    _, *rest = block.layers
    second = rest.index(next(layer for layer in rest if isinstance(layer, ReflectPad)))
    padded = concatenated(nn.Sequential(*rest[:second])(concatenated(inputs, 1)), 1)
    (expected,) = torch.autograd.grad(inputs + nn.Sequential(*rest[second + 1 :])(padded), inputs, weights)
    assert torch.equal(gradient, expected)


def test_the_table_of_layers_lists_the_padding_of_a_residual_block():
    rows = layers.layers(Residual(4), torch.zeros(1, 4, 8, 8))
    assert rows[0] == ("ReflectPad", "4x10x10", 0)
    assert [layer for layer, _, _ in rows].count("ReflectPad") == 2


def test_padding_beside_the_inputs_has_first_and_second_derivatives():
    inputs = torch.randn(1, 2, 5, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(ReflectPadBeside(2), inputs)
    assert torch.autograd.gradgradcheck(ReflectPadBeside(2), inputs)


def test_reflection_padding_keeps_bfloat16_under_mixed_precision():
    with torch.autocast("cpu", torch.bfloat16):
        assert ReflectPad(1)(torch.randn(1, 2, 4, 4).bfloat16()).dtype == torch.bfloat16
