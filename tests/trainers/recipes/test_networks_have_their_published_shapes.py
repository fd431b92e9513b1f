"""Layer shapes, parameter counts and the table, against the published networks."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from models.layer_table import Layer
from trainers import recipes
from trainers.outputs import layers
from trainers.recipes import DataInfo

PUBLISHED = {
    "mlp_gan": SimpleNamespace(noise_dim=50, width=128, init="default"),
    "dcgan": SimpleNamespace(noise_dim=100, width=64, init="normal"),
}


def pair(name, **changes):
    params = SimpleNamespace(**{**vars(PUBLISHED[name]), **changes})
    return tuple(recipes.networks(name, params, DataInfo((1, 28, 28), 0), 0).values())


def weights(network):
    return [
        tuple(m.weight.shape) for m in network.modules() if isinstance(m, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d))
    ]


def kinds(network):
    leaves = [module for module in network.modules() if not list(module.children())]
    return [getattr(module, "published_as", type(module).__name__) for module in leaves]


@pytest.mark.parametrize("name", PUBLISHED)
def test_noise_becomes_images_and_images_become_logits(name):
    generator, discriminator = pair(name)
    images = generator(torch.randn(3, PUBLISHED[name].noise_dim))
    assert images.shape == (3, 1, 28, 28)
    assert images.abs().max() <= 1
    assert discriminator(images).shape == (3,)


def test_mlp_layers():
    generator, discriminator = pair("mlp_gan")
    assert weights(generator) == [(128, 50), (256, 128), (512, 256), (1024, 512), (784, 1024)]
    assert weights(discriminator) == [(512, 784), (256, 512), (1, 256)]
    first, hidden = ["Linear", "LeakyReLU"], ["Linear", "BatchNorm1d", "LeakyReLU"]
    assert kinds(generator) == [*first, *hidden * 3, "Linear", "Tanh"]
    assert kinds(discriminator) == [*hidden * 2, "Linear"]


def test_mlp_parameters():
    generator, discriminator = pair("mlp_gan")
    linear = sum(a * b + b for a, b in zip((50, 128, 256, 512, 1024), (128, 256, 512, 1024, 784), strict=True))
    assert layers.count(generator) == linear + 2 * (256 + 512 + 1024) == 1_503_632
    assert layers.count(discriminator) == 784 * 512 + 512 + 512 * 256 + 256 + 256 + 1 + 2 * (512 + 256) == 535_041


def test_dcgan_layers():
    generator, discriminator = pair("dcgan")
    assert weights(generator) == [(100, 256, 4, 4), (256, 128, 4, 4), (128, 64, 4, 4), (64, 1, 4, 4)]
    assert weights(discriminator) == [(64, 1, 4, 4), (128, 64, 4, 4), (256, 128, 3, 3), (1, 256, 4, 4)]
    assert [m.stride[0] for m in generator.modules() if isinstance(m, nn.ConvTranspose2d)] == [1, 2, 2, 2]
    assert [m.padding[0] for m in generator.modules() if isinstance(m, nn.ConvTranspose2d)] == [0, 1, 1, 3]
    assert [m.stride[0] for m in discriminator.modules() if isinstance(m, nn.Conv2d)] == [2, 2, 2, 1]
    assert not any(
        name.endswith("layers.0.bias") for name, _ in [*generator.named_parameters(), *discriminator.named_parameters()]
    )


def test_dcgan_parameters():
    generator, discriminator = pair("dcgan")
    convolutions = 100 * 256 * 16 + 256 * 128 * 16 + 128 * 64 * 16 + 64 * 16
    assert layers.count(generator) == convolutions + 2 * (256 + 128 + 64) == 1_066_880
    convolutions = 64 * 16 + 64 * 128 * 16 + 128 * 256 * 9 + 256 * 16
    assert layers.count(discriminator) == convolutions + 2 * (128 + 256) == 431_872


def test_dcgan_grows_from_1_to_28_pixels_and_shrinks_back():
    generator, discriminator = pair("dcgan")
    rows = layers.layers(generator, torch.zeros(1, 100))
    assert [shape for layer, shape, _ in rows if layer == "ConvTranspose2d"] == [
        "256x4x4",
        "128x8x8",
        "64x16x16",
        "1x28x28",
    ]
    rows = layers.layers(discriminator, torch.zeros(1, 1, 28, 28))
    assert [shape for layer, shape, _ in rows if layer == "Conv2d"] == ["64x14x14", "128x7x7", "256x4x4", "1x1x1"]


def test_the_paper_asks_for_weights_with_a_deviation_of_a_fiftieth():
    convolutions = [
        m for network in pair("dcgan") for m in network.modules() if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))
    ]
    for module in convolutions:
        # Four standard errors of a standard deviation estimated from n draws.
        tolerance = 4 / (2 * module.weight.numel()) ** 0.5
        assert module.weight.std().item() / 0.02 == pytest.approx(1, abs=tolerance)


@pytest.mark.parametrize("name", PUBLISHED)
def test_width_scales_every_layer(name):
    (narrow, _), (published, _) = pair(name, width=8), pair(name)
    assert layers.count(narrow) < layers.count(published) / 5
    assert narrow(torch.randn(2, PUBLISHED[name].noise_dim)).shape == (2, 1, 28, 28)


def test_the_mlp_generator_begins_at_the_mean_image():
    from trainers.recipes.mlp_gan import players

    mean = torch.linspace(-1, 1, 784).view(1, 28, 28)
    torch.manual_seed(0)
    params = SimpleNamespace(noise_dim=50, width=128, init="mean")
    images = players(params, (1, 28, 28), mean).generator.eval()(torch.randn(256, 50))
    assert (images.mean(0) - mean).abs().max() < 0.2
    params.init = "default"
    images = players(params, (1, 28, 28), mean).generator.eval()(torch.randn(256, 50))
    assert (images.mean(0) - mean).abs().max() > 0.5


def test_the_table_lists_every_layer_with_its_output_and_parameters():
    inputs = {"generator": torch.zeros(1, 100), "discriminator": torch.zeros(1, 1, 28, 28)}
    table = layers.table(dict(zip(inputs, pair("dcgan"), strict=True)), inputs.__getitem__)
    generator, discriminator = table.networks
    assert (generator.name, generator.input) == ("generator", "100")
    convolutions = [layer for layer in discriminator.layers if layer.layer == "Conv2d"]
    assert convolutions[2] == Layer("Conv2d", "256x4x4", 294_912)
    assert [network.parameters for network in table.networks] == [1_066_880, 431_872]


def test_the_layers_at_one_pixel_are_the_convolutions_of_the_paper():
    from torch.nn import functional

    generator, discriminator = pair("dcgan")
    noise, small = torch.randn(3, 100), torch.randn(3, 256, 4, 4)
    first, last = generator.layers[0], discriminator.layers[-1]
    expected = functional.conv_transpose2d(noise[:, :, None, None], first.weight)
    torch.testing.assert_close(first(noise), expected, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(last(small), functional.conv2d(small, last.weight), rtol=1e-4, atol=1e-5)
