"""The preset `paper_64` against the official configuration for FFHQ at 64 px: layers, parameters, first weights."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn import functional

from models.recipes import RECIPES, resolve_params
from trainers import recipes
from trainers.device.precision import BFLOAT16, at
from trainers.outputs import layers
from trainers.recipes import DataInfo
from trainers.recipes.layers import smoothly_doubled, smoothly_halved
from trainers.recipes.r3gan import GroupedBlock

# Huang et al. 2024, configuration E at 64 px: channels at 4, 8, 16, 32 and 64 pixels, and groups of their 3x3 layers.
WIDTHS = [768, 768, 768, 768, 384]
GROUPS = [96, 96, 96, 96, 48]
BLOCKS, EXPANSION, NOISE, COLOURS = 2, 2, 64, 3
PAPER_64 = resolve_params(RECIPES["r3gan"], RECIPES["r3gan"].preset("paper_64"), {})


@pytest.fixture(scope="module")
def paper():
    return recipes.networks("r3gan", PAPER_64, DataInfo((COLOURS, 64, 64), 0), 0)


def block(width, groups):
    """The weights of a block: 1x1, 3x3 in groups, 1x1."""
    inside = EXPANSION * width
    return [(inside, width, 1, 1), (inside, inside // groups, 3, 3), (width, inside, 1, 1)]


def shapes(network):
    return [tuple(m.weight.shape) for m in network.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]


def test_the_generators_layers_are_the_papers(paper):
    expected = [(WIDTHS[0], NOISE)]
    for stage, (width, groups) in enumerate(zip(WIDTHS, GROUPS, strict=True)):
        # A 1x1 convolution only where the number of channels changes.
        if stage and width != WIDTHS[stage - 1]:
            expected.append((width, WIDTHS[stage - 1], 1, 1))
        expected += block(width, groups) * BLOCKS
    assert shapes(paper["generator"]) == [*expected, (COLOURS, WIDTHS[-1], 1, 1)]
    assert paper["generator"].basis.shape == (WIDTHS[0], 4, 4)


def test_the_discriminators_layers_are_the_papers(paper):
    expected = [(WIDTHS[-1], COLOURS, 1, 1)]
    for stage in reversed(range(len(WIDTHS))):
        expected += block(WIDTHS[stage], GROUPS[stage]) * BLOCKS
        if stage and WIDTHS[stage - 1] != WIDTHS[stage]:
            expected.append((WIDTHS[stage - 1], WIDTHS[stage], 1, 1))
    # Each channel of the last 4x4 pixels has a weight for each of them.
    assert shapes(paper["discriminator"]) == [*expected, (WIDTHS[0], 1, 4, 4), (1, WIDTHS[0])]
    assert paper["discriminator"].first.bias is None


def test_the_numbers_of_parameters_are_the_papers(paper):
    def of_block(width):
        inside = EXPANSION * width
        # Two 1x1 layers, a 3x3 layer in groups of 16 channels, and a bias before each of the two activations.
        return 2 * width * inside + 9 * 16 * inside + 2 * inside

    blocks = BLOCKS * sum(of_block(width) for width in WIDTHS)
    changes = sum(a * b for a, b in pairwise(WIDTHS) if a != b)
    basis = 16 * WIDTHS[0]
    assert layers.count(paper["generator"]) == blocks + changes + basis + NOISE * WIDTHS[0] + COLOURS * WIDTHS[-1]
    assert layers.count(paper["discriminator"]) == blocks + changes + basis + WIDTHS[0] + COLOURS * WIDTHS[-1]


def test_the_preset_is_the_official_configuration():
    expected = {
        "images": 20_000_000,
        "epochs": None,
        "batch_size": 256,
        "image_size": 64,
        "optimizer": "adam",
        "beta1": 0.0,
        "beta2": 0.9,
        "beta2_end": 0.99,
        "learning_rate": 2e-4,
        "learning_rate_end": 5e-5,
        "gamma": 2.0,
        "gamma_end": 0.2,
        "ema_half_life_start": 0,
        "ema_half_life": 500_000,
        "noise_dim": NOISE,
        "shared_fakes": False,
        "fresh_reals": True,
        "flip": True,
        "d_steps": 1,
        "g_steps": 1,
        "warmup_images": 0,
    }
    assert {name: getattr(PAPER_64, name) for name in expected} == expected


def test_the_first_weights_are_scaled_by_depth(paper):
    gain, depth = math.sqrt(2 / (1 + 0.2**2)), BLOCKS * len(WIDTHS)
    for network in paper.values():
        found = [module for module in network.modules() if isinstance(module, GroupedBlock)]
        assert len(found) == depth
        for one in found:
            # Three layers in a block: L^(-1 / (2 * 3 - 2)).
            for layer in (one.widen, one.mix):
                expected = gain * depth**-0.25 / math.sqrt(layer.weight[0].numel())
                assert layer.weight.std().item() == pytest.approx(expected, rel=0.02)
                assert not layer.bias.any()
            assert not one.last.weight.any()
            assert one.last.bias is None


def test_resolutions_change_with_weights_1_3_3_1_and_zeros_beyond_the_edges():
    line = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=torch.float64)
    kernel = (torch.outer(line, line) / 64)[None, None]
    images = torch.randn(6, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    half = functional.conv2d(images, kernel, stride=2, padding=1)
    torch.testing.assert_close(smoothly_halved(images), half, rtol=0, atol=1e-12)
    twice = functional.conv_transpose2d(images, 4 * kernel, stride=2, padding=1)
    torch.testing.assert_close(smoothly_doubled(images, zeros=True), twice, rtol=0, atol=1e-12)


def test_at_other_sizes_the_widths_are_the_papers_too():
    params = resolve_params(RECIPES["r3gan"], RECIPES["r3gan"].preset("paper_64"), {"width": 96, "blocks": 1})
    generator = recipes.networks("r3gan", params, DataInfo((COLOURS, 256, 256), 0), 0)["generator"]
    found = [module for module in generator.modules() if isinstance(module, GroupedBlock)]
    # The official configuration for FFHQ at 256 px.
    assert [(one.widen.in_channels, one.mix.groups) for one in found] == [
        *[(768, 96)] * 4,
        (384, 48),
        (192, 24),
        (96, 12),
    ]


def test_only_the_layers_at_4_pixels_compute_in_float32_in_mixed_precision():
    given = {"width": 4, "max_width": 8, "noise_dim": 5, "image_size": 16}
    params = resolve_params(RECIPES["r3gan"], RECIPES["r3gan"].preset("paper_64"), given)
    seen = {}
    images = None
    for network in recipes.networks("r3gan", params, DataInfo((1, 16, 16), 0), 0).values():
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                module.register_forward_hook(
                    lambda _module, _inputs, output: seen.setdefault(output.shape[-1], set()).add(output.dtype)
                )
        images = at(network, BFLOAT16)(torch.randn(2, 5) if images is None else images)
    # The last layer of the discriminator makes one pixel of the four.
    assert seen == {1: {torch.float32}, 4: {torch.float32}, 8: {torch.bfloat16}, 16: {torch.bfloat16}}
