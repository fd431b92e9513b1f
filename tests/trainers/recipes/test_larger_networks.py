"""Shapes and parameters of the convolutional recipes against what was published, and at every size that fits."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from models.recipes import RECIPES, resolve_params
from trainers import recipes
from trainers.outputs import layers
from trainers.recipes import DataInfo
from trainers.recipes.layers import DoubledConv2d
from trainers.recipes.r3gan import Block

_CONVOLUTIONS = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.GroupNorm, nn.InstanceNorm2d, nn.LayerNorm)


def test_the_trainer_has_the_networks_of_every_recipe():
    assert recipes.RECIPES.keys() == RECIPES.keys()


def built(name, size=64, channels=3, preset=None, **given):
    """Return the networks of a recipe, by default with what its defaults or a preset say."""
    recipe = RECIPES[name]
    params = resolve_params(recipe, recipe.preset(preset) if preset else None, given)
    return recipes.networks(name, params, DataInfo((channels, size, size), 10), 0)


def weights(network):
    return [tuple(m.weight.shape) for m in network.modules() if isinstance(m, _CONVOLUTIONS)]


def kinds(network):
    leaves = [module for module in network.modules() if not list(module.children())]
    return [getattr(module, "published_as", type(module).__name__) for module in leaves]


def biased(network):
    return [m.bias is not None for m in network.modules() if isinstance(m, _CONVOLUTIONS)]


def test_wgan_at_64_pixels_with_one_extra_layer():
    generator, critic = built("wgan", preset="fastai_lsun").values()
    assert weights(generator) == [
        (100, 512, 4, 4),
        (512, 256, 4, 4),
        (256, 128, 4, 4),
        (128, 64, 4, 4),
        (64, 64, 3, 3),
        (64, 3, 4, 4),
    ]
    assert weights(critic) == [
        (64, 3, 4, 4),
        (64, 64, 3, 3),
        (128, 64, 4, 4),
        (256, 128, 4, 4),
        (512, 256, 4, 4),
        (1, 512, 4, 4),
    ]
    rest = ["Conv2d", "LeakyReLU", "BatchNorm2d"] * 4
    assert kinds(critic) == ["Conv2d", "LeakyReLU", *rest, "Conv2d"]
    act = ["ReLU", "BatchNorm2d"]
    up = ["ConvTranspose2d", *act]
    assert kinds(generator) == ["ConvTranspose2d", *act, *up * 3, "Conv2d", *act, "ConvTranspose2d", "Tanh"]
    assert not any(biased(generator) + biased(critic))
    assert layers.count(critic) == sum(math.prod(shape) for shape in weights(critic)) + 2 * (64 + 128 + 256 + 512)


def test_wgan_without_extra_layers_and_with_doubled_pixels():
    generator, critic = built("wgan", extra_layers=0, upsample=True, width=4).values()
    assert kinds(generator).count("ConvTranspose2d") == 1
    assert kinds(generator).count("Upsample") == 4
    assert (64, 64, 3, 3) not in weights(critic)


def test_faces_at_64_pixels():
    generator, discriminator = built("dcgan64", preset="celeba").values()
    assert weights(generator) == [
        (4 * 4 * 512, 128),
        (512, 256, 4, 4),
        (256, 128, 4, 4),
        (128, 64, 4, 4),
        (64, 3, 4, 4),
    ]
    assert weights(discriminator) == [
        (64, 3, 4, 4),
        (128, 64, 4, 4),
        (256, 128, 4, 4),
        (512, 256, 4, 4),
        (1, 512 * 4 * 4),
    ]
    rows = layers.layers(generator, torch.zeros(1, 128))
    assert [shape for layer, shape, _ in rows if layer in ("Linear", "ConvTranspose2d")] == [
        "8192",
        "256x8x8",
        "128x16x16",
        "64x32x32",
        "3x64x64",
    ]
    assert kinds(discriminator).count("BatchNorm2d") == 3


@pytest.mark.parametrize(("norm", "kind"), [("batch", "BatchNorm2d"), ("layer", "GroupNorm"), ("none", None)])
def test_the_critic_of_wgan_gp_has_the_normalisation_that_was_asked_for(norm, kind):
    critic = built("wgan_gp", norm=norm, width=4)["discriminator"]
    found = [module for module in critic.modules() if isinstance(module, _NORMS)]
    assert [getattr(module, "published_as", type(module).__name__) for module in found] == ([kind] * 3 if kind else [])
    # One group is layer normalisation; a convolution has a bias where no normalisation would take it away.
    assert all(module.num_groups == 1 for module in found if isinstance(module, nn.GroupNorm))
    assert biased(critic)[1:4] == [norm == "none"] * 3


def test_one_images_score_does_not_depend_on_the_others_where_the_penalty_is_per_image():
    torch.manual_seed(0)
    images = torch.randn(4, 3, 16, 16)
    for norm, alone in (("layer", True), ("none", True), ("batch", False)):
        critic = built("wgan_gp", size=16, norm=norm, width=4)["discriminator"]
        assert torch.allclose(critic(images[:2]), critic(images)[:2], atol=1e-5) is alone


@pytest.mark.parametrize(("mean", "std", "reach"), [(0.5, 0.5, 1.0), (0.5, 1.0, 0.5), (0.1, 0.5, 1.8)])
def test_faces_are_painted_in_the_range_that_pixels_are_scaled_to(mean, std, reach):
    generator = built("dcgan64", size=16, width=4, normalize_mean=mean, normalize_std=std)["generator"]
    nn.init.constant_(generator.layers[-2].weight, 100.0)
    images = generator(torch.randn(64, 128))
    assert images.abs().max().item() == pytest.approx(reach, rel=1e-5)


def test_the_variance_stays_from_layer_to_layer_of_the_faces_networks():
    torch.manual_seed(0)
    discriminator = built("dcgan64", norm="none", width=16)["discriminator"]
    first = discriminator.layers[0](torch.randn(8, 3, 64, 64))
    # He et al. 2015: variance 2 / (1 + .2^2), which the activation takes back.
    inside = first[:, :, 1:-1, 1:-1].var().item()
    assert inside == pytest.approx(2 / 1.04, rel=0.25)
    assert discriminator.layers(torch.randn(8, 3, 64, 64)).square().mean().item() == pytest.approx(1, abs=0.6)


def test_began_has_two_convolutions_at_each_resolution_and_halves_to_8_pixels():
    generator, auto_encoder = built("began", preset="celeba").values()
    assert weights(generator) == [(64 * 8 * 8, 64), *[(64, 64, 3, 3)] * 8, (3, 64, 3, 3)]
    assert weights(auto_encoder.decoder) == weights(generator)
    channels = [shape[0] for shape in weights(auto_encoder.encoder)]
    assert channels == [64, 64, 128, 128, 192, 192, 256, 256, 256, 64]
    assert [m.stride[0] for m in auto_encoder.encoder.modules() if isinstance(m, nn.Conv2d)].count(2) == 3
    assert not [module for module in auto_encoder.modules() if isinstance(module, _NORMS)]


def test_the_auto_encoder_returns_the_mean_distance_of_each_image_from_its_reconstruction():
    auto_encoder = built("began", size=16, width=4, hidden=8)["discriminator"]
    images = torch.randn(3, 3, 16, 16)
    off = (images - auto_encoder.decoder(auto_encoder.encoder(images))).abs()
    torch.testing.assert_close(auto_encoder(images), off.view(3, -1).mean(1))


def test_compact_convolves_at_each_resolution_up_to_half_of_the_images():
    generator, discriminator = built("compact", size=28, channels=1).values()
    assert weights(generator) == [
        (7 * 7 * 48, 64),
        (48, 48, 3, 3),
        (32, 48, 3, 3),
        (32, 32, 3, 3),
        (1, 32, 3, 3),
    ]
    assert weights(discriminator) == [(16, 1, 4, 4), (32, 16, 4, 4), (64, 32, 3, 3), (64, 64, 3, 3), (1, 64 * 4 * 4)]
    assert kinds(generator).count("BatchNorm2d") == 4
    assert not [module for module in discriminator.modules() if isinstance(module, _NORMS)]


@pytest.mark.parametrize(("size", "first"), [(28, 7), (32, 8), (48, 6), (64, 8), (96, 6), (128, 8)])
@pytest.mark.parametrize("channels", [1, 3])
def test_compact_paints_every_size_it_offers_from_a_small_image(size, first, channels):
    assert size in RECIPES["compact"].sizes
    generator, discriminator = built("compact", size=size, channels=channels, width=4, noise_dim=5).values()
    images = generator(torch.randn(2, 5))
    assert images.shape == (2, channels, size, size)
    assert discriminator(images).shape == (2,)
    assert generator.layers[0].side == first


def test_channels_of_compact_grow_by_half_a_width_up_to_two_widths():
    generator, discriminator = built("compact", size=128, channels=3, width=8).values()
    assert [shape[0] for shape in weights(generator) if len(shape) == 4] == [16, 16, 16, 12, 12, 8, 8, 3]
    assert [shape[0] for shape in weights(discriminator)] == [4, 8, 16, 16, 16, 16, 1]


def test_a_doubled_convolution_is_the_convolution_of_doubled_images():
    layer = DoubledConv2d(6, 4).double()
    images = torch.randn(2, 6, 7, 5, dtype=torch.float64, requires_grad=True)
    doubled = nn.functional.interpolate(images, scale_factor=2, mode="nearest")
    plain = nn.functional.conv2d(doubled, layer.weight, padding=1)
    torch.testing.assert_close(layer(images), plain)
    slopes = [torch.autograd.grad(out.square().sum(), (images, layer.weight)) for out in (layer(images), plain)]
    torch.testing.assert_close(*slopes)


def test_cyclegan_has_the_parameters_of_its_papers_code():
    networks = built("cyclegan", size=256, preset="horse2zebra")
    generator, discriminator = networks["generator_ab"], networks["discriminator_a"]
    assert layers.count(generator) == 11_378_179
    assert layers.count(discriminator) == 2_764_737
    assert kinds(generator).count("InstanceNorm2d") == 23
    assert kinds(discriminator) == [
        *["Conv2d", "LeakyReLU"],
        *["Conv2d", "InstanceNorm2d", "LeakyReLU"] * 3,
        "Conv2d",
    ]
    assert list(networks) == list(RECIPES["cyclegan"].networks)


def test_a_patch_of_the_discriminator_is_70_pixels_wide():
    discriminator = built("cyclegan", size=256, width=4)["discriminator_a"]
    # Normalisation looks at the whole image; without it a score sees its patch alone.
    for module in discriminator.modules():
        if isinstance(module, nn.InstanceNorm2d):
            module.forward = lambda inputs: inputs
    images = torch.randn(1, 3, 256, 256, requires_grad=True)
    scores = discriminator(images)
    assert scores.shape == (1, 1, 30, 30)
    (gradient,) = torch.autograd.grad(scores[0, 0, 15, 15], images)
    seen = gradient.abs().sum((0, 1)).nonzero()
    assert (seen.max(0).values - seen.min(0).values + 1).tolist() == [70, 70]


@pytest.mark.parametrize(("size", "blocks"), [(128, 6), (256, 9)])
def test_the_number_of_residual_blocks_follows_the_size(size, blocks):
    generator = built("cyclegan", size=size, width=4)["generator_ab"]
    assert sum(type(module).__name__ == "Residual" for module in generator.modules()) == blocks


def test_darknet_as_in_the_notebook():
    classifier = built("darknet", size=32, preset="fastai_cifar10")["classifier"]
    rows = layers.layers(classifier, torch.zeros(1, 3, 32, 32))
    groups, many, places = [1, 2, 4, 6, 3], 32, 32
    expected = ["32x32x32"]
    for number, blocks in enumerate(groups):
        many, places = 2 * many, places if number == 1 else places // 2
        expected += [f"{many}x{places}x{places}"]
        expected += [f"{many // 2}x{places}x{places}", f"{many}x{places}x{places}"] * blocks
    assert [shape for layer, shape, _ in rows if layer == "Conv2d"] == expected
    assert expected[-1] == "1024x2x2"
    assert weights(classifier)[-1] == (10, 1024)
    norms = [module for module in classifier.modules() if isinstance(module, nn.BatchNorm2d)]
    assert len(norms) == len(expected) == 38
    assert {module.momentum for module in norms} == {0.01}
    assert {m.negative_slope for m in classifier.modules() if isinstance(m, nn.LeakyReLU)} == {0.1}
    convolutions = sum(math.prod(shape) for shape in weights(classifier)[:-1])
    assert layers.count(classifier) == convolutions + 2 * sum(m.num_features for m in norms) + 1024 * 10 + 10


@pytest.mark.parametrize("kind", ["plain", "grouped"])
def test_r3gan_has_no_normalisation_and_begins_as_a_shallow_network(kind):
    for network in built("r3gan", preset="paper_64", width=16, block_kind=kind).values():
        assert not [module for module in network.modules() if isinstance(module, _NORMS)]
        blocks = [module for module in network.modules() if isinstance(module, Block)]
        assert len(blocks) == 2 * 5  # 4, 8, 16, 32 and 64 pixels
        for block in blocks:
            convolutions = [module for module in block.modules() if isinstance(module, nn.Conv2d)]
            assert not convolutions[-1].weight.any()
            assert all(convolution.weight.any() for convolution in convolutions[:-1])
            inputs = torch.randn(2, convolutions[0].in_channels, 4, 4)
            assert torch.equal(block(inputs), inputs)


@pytest.mark.parametrize("kind", ["plain", "grouped"])
@pytest.mark.parametrize("width", [4, 5, 37, 96])
def test_r3gan_can_have_any_width(width, kind):
    generator, discriminator = built("r3gan", 16, 1, width=width, noise_dim=5, block_kind=kind).values()
    assert discriminator(generator(torch.randn(2, 5))).shape == (2,)


SIZES = [
    (name, size, channels, upsample)
    for name in ("wgan", "dcgan64", "wgan_gp", "began", "r3gan")
    for size, channels, upsample in ((16, 1, False), (32, 3, False), (64, 1, True), (128, 3, False), (256, 1, True))
    if size in RECIPES[name].sizes
]


@pytest.mark.parametrize(("name", "size", "channels", "upsample"), SIZES)
def test_noise_becomes_images_of_every_size_that_fits(name, size, channels, upsample):
    given = {"width": 4}
    if "upsample" in RECIPES[name].params.model_fields:
        given["upsample"] = upsample
    generator, discriminator = built(name, size, channels, noise_dim=7, **given).values()
    images = generator(torch.randn(2, 7))
    assert images.shape == (2, channels, size, size)
    verdicts = discriminator(images)
    assert verdicts.shape == (2,)
    if size <= 64:
        verdicts.sum().backward()
        assert all(weight.grad is not None for weight in generator.parameters())


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [24, 28, 64, 132, 256])
def test_images_become_images_of_the_other_domain(size, channels):
    networks = built("cyclegan", size, channels, width=4, blocks=1)
    images = torch.randn(1, channels, size, size)
    assert networks["generator_ab"](images).shape == images.shape
    scores = networks["discriminator_b"](images)
    assert scores.shape == (1, 1, size // 8 - 2, size // 8 - 2)


@pytest.mark.parametrize(("name", "least"), [("cyclegan", 24), ("darknet", 16), ("mlp_gan", 8)])
def test_the_smallest_size_that_fits_can_be_trained_and_the_next_smaller_one_does_not_fit(name, least):
    assert min(RECIPES[name].sizes) == least
    for name_, network in built(name, least, 1, width=4).items():
        inputs = torch.randn(2, 50) if (name, name_) == ("mlp_gan", "generator") else torch.randn(2, 1, least, least)
        network(inputs).sum().backward()


@pytest.mark.parametrize("groups", [[1, 1], [1] * 6])
def test_darknet_of_few_and_many_groups(groups):
    classifier = built("darknet", 16, 1, width=4, groups=groups)["classifier"]
    images = torch.randn(2, 1, 16, 16)
    assert classifier(images).shape == (2, 10)
    assert classifier.features(images).shape == (2, 4 * 2 ** len(groups))
