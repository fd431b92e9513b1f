"""Presets against what their sources publish: layers, parameters, and how long an epoch is."""

from __future__ import annotations

import json

import pytest
import torch

from models.layer_table import Layer
from models.recipes import RECIPES, resolve_params
from tools.docs import preset_numbers
from trainers import recipes
from trainers.assembly import assemble
from trainers.data import load
from trainers.data.images import Images
from trainers.data.rng import Draws
from trainers.loop.budget import Budget
from trainers.outputs import layers
from trainers.process.spec import as_params, parse
from trainers.recipes import DataInfo

CPU = torch.device("cpu")


def preset_params(recipe, preset):
    found = RECIPES[recipe]
    return resolve_params(found, found.preset(preset), {})


def table(recipe, preset, shape):
    """Return the layers of each network of a preset, by the network's name."""
    params = preset_params(recipe, preset)
    networks = recipes.networks(recipe, params, DataInfo(shape, 10), 0)
    images = torch.zeros(1, *shape)

    def example(name):
        return torch.zeros(1, params.noise_dim) if name == "generator" else images

    return {network.name: network for network in layers.table(networks, example).networks}


def rows(*published):
    """Return published rows of (layer, shape, parameters) as those of a table."""
    return [Layer(*row) for row in published]


# Both tutorials' networks as torchsummary prints them. Their discriminators end with a sigmoid, which is part of the
# loss here.
DCGAN_GENERATOR = rows(
    ("ConvTranspose2d", "256x4x4", 409_600),
    ("BatchNorm2d", "256x4x4", 512),
    ("ReLU", "256x4x4", 0),
    ("ConvTranspose2d", "128x8x8", 524_288),
    ("BatchNorm2d", "128x8x8", 256),
    ("ReLU", "128x8x8", 0),
    ("ConvTranspose2d", "64x16x16", 131_072),
    ("BatchNorm2d", "64x16x16", 128),
    ("ReLU", "64x16x16", 0),
    ("ConvTranspose2d", "1x28x28", 1_024),
    ("Tanh", "1x28x28", 0),
)
DCGAN_DISCRIMINATOR = rows(
    ("Conv2d", "64x14x14", 1_024),
    ("BatchNorm2d", "64x14x14", 128),
    ("LeakyReLU", "64x14x14", 0),
    ("Conv2d", "128x7x7", 131_072),
    ("BatchNorm2d", "128x7x7", 256),
    ("LeakyReLU", "128x7x7", 0),
    ("Conv2d", "256x4x4", 294_912),
    ("BatchNorm2d", "256x4x4", 512),
    ("LeakyReLU", "256x4x4", 0),
    ("Conv2d", "1x1x1", 4_096),
)


@pytest.mark.parametrize("preset", ["ithome", "designspark"])
def test_the_networks_of_both_dcgan_tutorials_have_their_published_layers(preset):
    found = table("dcgan", preset, (1, 28, 28))
    assert found["generator"].layers == DCGAN_GENERATOR
    assert found["discriminator"].layers == DCGAN_DISCRIMINATOR
    assert (found["generator"].parameters, found["discriminator"].parameters) == (1_066_880, 432_000)


def test_a_discriminator_without_the_parameter_is_the_papers_as_in_older_jobs():
    asked = resolve_params(RECIPES["dcgan"], None, {})
    values = asked.model_dump(mode="json")
    assert values.pop("first_norm") is False
    data = DataInfo((1, 28, 28), 0)
    here, older = (recipes.networks("dcgan", params, data, 0)["discriminator"] for params in (asked, as_params(values)))
    assert layers.count(older) == 431_872
    assert older.state_dict().keys() == here.state_dict().keys()


def test_the_networks_of_laotou_have_the_layers_of_the_tutorial():
    found = table("mlp_gan", "laotou", (1, 28, 28))
    assert found["generator"].layers == rows(
        ("Linear", "128", 50 * 128 + 128),
        ("LeakyReLU", "128", 0),
        ("Linear", "256", 128 * 256 + 256),
        ("BatchNorm1d", "256", 512),
        ("LeakyReLU", "256", 0),
        ("Linear", "512", 256 * 512 + 512),
        ("BatchNorm1d", "512", 1_024),
        ("LeakyReLU", "512", 0),
        ("Linear", "1024", 512 * 1024 + 1024),
        ("BatchNorm1d", "1024", 2_048),
        ("LeakyReLU", "1024", 0),
        ("Linear", "784", 1024 * 784 + 784),
        ("Tanh", "784", 0),
    )
    assert found["discriminator"].layers == rows(
        ("Linear", "512", 784 * 512 + 512),
        ("BatchNorm1d", "512", 1_024),
        ("LeakyReLU", "512", 0),
        ("Linear", "256", 512 * 256 + 256),
        ("BatchNorm1d", "256", 512),
        ("LeakyReLU", "256", 0),
        ("Linear", "1", 257),
    )


def test_the_networks_of_horse2zebra_have_the_parameters_that_the_authors_code_prints():
    found = recipes.networks("cyclegan", preset_params("cyclegan", "horse2zebra"), DataInfo((3, 256, 256), 0), 0)
    in_millions = {name: round(layers.count(network) / 1e6, 3) for name, network in found.items()}
    assert in_millions == {
        "generator_ab": 11.378,
        "generator_ba": 11.378,
        "discriminator_a": 2.765,
        "discriminator_b": 2.765,
    }


def iterations_of_the_wgan_course(batches):
    """Count the generator steps of an epoch as the course's loop takes them."""
    done = taken = 0
    while taken < batches:
        taken += 100 if done < 25 or done % 500 == 0 else 5
        done += 1
    return done


# Parts of the data sets as published, and iterations an epoch: as the source prints them, or as its data loader makes
# them.
EPOCHS = [
    ("mlp_gan", "laotou", (1, 28, 28), {"train": 60_000, "test": 10_000}, 469),
    ("dcgan", "ithome", (1, 28, 28), {"train": 60_000, "test": 10_000}, 547),
    ("dcgan", "designspark", (1, 28, 28), {"train": 60_000, "test": 10_000}, 469),
    ("wgan", "fastai_lsun", (3, 64, 64), {"train": 3_033_042}, iterations_of_the_wgan_course(-(-3_033_042 // 64))),
    ("cyclegan", "horse2zebra", (3, 286, 286), {"trainA": 1_067, "trainB": 1_334}, 1_334),
    ("darknet", "fastai_cifar10", (3, 32, 32), {"train": 50_000, "test": 10_000}, 196),
    # The tutorial does not say what becomes of the last 7 of 202,599 faces: they are left out.
    ("dcgan64", "celeba", (3, 64, 64), {"train": 202_599}, 12_662),
    ("wgan_gp", "celeba", (3, 64, 64), {"train": 202_599}, 12_662),
    ("began", "celeba", (3, 64, 64), {"train": 202_599}, 12_662),
    # The source has no epochs: so many batches show every face once.
    ("r3gan", "paper_64", (3, 64, 64), {"train": 70_000}, 273),
]


@pytest.mark.parametrize(("recipe", "preset", "shape", "parts", "iterations"), EPOCHS)
def test_an_epoch_of_a_preset_has_the_iterations_of_its_source(make_spec, recipe, preset, shape, parts, iterations):
    line = make_spec()
    params = preset_params(recipe, preset).model_dump(mode="json")
    # Narrow networks: how wide they are does not change how many batches an epoch has.
    line.update(recipe=recipe, params={**params, "width": 4})
    line["params"]["image_size"] = params["image_size"] or shape[-1]
    # One image, seen as often as the data set has images: nothing here looks at pixels.
    held = {
        part: Images(torch.zeros(1, *shape, dtype=torch.uint8).expand(count, *shape), torch.arange(count) % 10)
        for part, count in parts.items()
    }
    method = assemble(parse(json.dumps(line)), held, Draws(0, 0, CPU)).method
    assert method.iterations(0, method.feed.sampler.per_pass) == iterations


@pytest.mark.parametrize(("recipe", "preset", "shape", "parts", "iterations"), EPOCHS)
def test_the_documentation_has_the_same_data_and_iterations(recipe, preset, shape, parts, iterations):
    assert preset_numbers.DATA[recipe, preset][1:] == (shape[0], parts)
    assert preset_numbers.iterations_an_epoch(recipe, vars(preset_params(recipe, preset)), parts) == iterations


def test_the_documentation_has_the_numbers_of_every_preset():
    shown = {row[:2]: row[2:] for row in preset_numbers.rows()[1:]}
    assert shown.keys() == {(f"`{recipe}`", f"`{preset}`") for recipe, preset, *_ in EPOCHS}
    assert shown["`dcgan`", "`ithome`"] == (
        "MNIST, 28 px",
        "G 1,066,880, D 432,000",
        "128",
        "D 1, G 1",
        "Adam 0.001, betas 0.9 and 0.999",
        "1,000 epochs, 547,000 iterations",
        "547",
    )


@pytest.mark.parametrize(("given", "expected"), [({"epochs": 2}, (8, 2, 320)), ({"images": 320}, (8, 2, 320))])
def test_a_budget_counts_smaller_batches_as_what_they_are(make_spec, given, expected):
    spec = parse(json.dumps(make_spec("dcgan", batch_size=48, drop_last=False, **given)))
    parts = load(spec.dataset, spec.data_roots, spec.cache, 28)
    budget = Budget(spec.params, assemble(spec, parts, Draws(0, 0, CPU)).method)
    assert (budget.steps, budget.epochs, budget.images) == expected


def test_an_epoch_trains_on_its_rest_as_a_smaller_batch(train_small):
    # 160 images in batches of 48: three whole ones, and one of 16.
    attempt = train_small("dcgan", batch_size=48, drop_last=False, ema_half_life=100)
    assert list(attempt.series) == list(range(1, 9))
    assert [message["images"] for message in attempt.of("epoch")] == [160, 320]
    whole = train_small("dcgan", batch_size=48, ema_half_life=100)
    assert list(whole.series) == list(range(1, 7))
    # Up to the first rest both are the same run.
    assert {step: attempt.series[step] for step in (1, 2, 3)} == {step: whole.series[step] for step in (1, 2, 3)}
