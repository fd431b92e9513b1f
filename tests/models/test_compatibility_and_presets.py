"""Which data sets fit which recipe, at which size, and what is said where they don't."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from models.compatibility import MisfitError, image_size
from models.recipes import RECIPES, resolve_params
from models.specs.base import NoiseParams, TrainParams
from models.specs.recipe import Needs

DIGITS: dict[str, Any] = {
    "name": "digits",
    "shape": [1, 28, 28],
    "classes": list("0123456789"),
    "parts": {"train": 9000, "test": 1000},
    "images": 10_000,
}
COLOUR = {**DIGITS, "name": "cifar-like", "shape": [3, 32, 32]}
FACES = {**DIGITS, "name": "celeba-like", "shape": [3, 218, 178], "classes": []}
DOMAINS = {
    **DIGITS,
    "name": "horses",
    "shape": [3, 256, 256],
    "classes": [],
    "parts": {"trainA": 50, "trainB": 8, "testA": 5, "testB": 5},
    "images": 68,
}
BARE = {**DIGITS, "name": "bare", "classes": [], "parts": {"train": 10_000}}
FEW = {**DIGITS, "name": "few", "parts": {"train": 3}, "images": 3}

PRESETS = [(recipe.name, preset.name) for recipe in RECIPES.values() for preset in recipe.presets]
NEEDS_NOTHING = [name for name, recipe in RECIPES.items() if recipe.needs is Needs.nothing]


def size(name: str, dataset: dict[str, Any], **given: Any) -> int:
    """Return the size that a recipe's networks get."""
    return image_size(RECIPES[name], dataset, resolve_params(RECIPES[name], None, given))


def misfit(name: str, dataset: dict[str, Any], **given: Any) -> tuple[str, str]:
    """Return the place and the words of what does not fit."""
    with pytest.raises(MisfitError) as caught:
        size(name, dataset, **given)
    assert str(caught.value) == str(caught.value.message)
    return caught.value.place, str(caught.value)


@pytest.mark.parametrize("name", RECIPES)
def test_the_defaults_of_every_recipe_are_valid_and_survive_json(name: str) -> None:
    params = resolve_params(RECIPES[name], None, {})
    again = RECIPES[name].params.model_validate_json(params.model_dump_json())
    assert again == params
    assert (params.epochs is None) != (params.images is None)


@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_every_preset_is_valid_and_says_what_it_changes(name: str, preset: str) -> None:
    recipe = RECIPES[name]
    found = recipe.preset(preset)
    assert found is not None
    params = resolve_params(recipe, found, {})
    values = params.model_dump(mode="json")
    assert {field: values[field] for field in found.params} == found.params
    # One budget replaces the other, whichever the preset has.
    assert resolve_params(recipe, found, {"images": 1000}).epochs is None
    assert resolve_params(recipe, found, {"epochs": 3}).images is None


def test_both_networks_of_the_preset_of_began_get_noise_of_their_own() -> None:
    params = resolve_params(RECIPES["began"], RECIPES["began"].preset("celeba"), {})
    assert isinstance(params, NoiseParams)
    assert params.shared_fakes is False


@pytest.mark.parametrize(
    ("name", "preset", "whose", "rates"),
    [
        ("dcgan64", "celeba", "Adam at 2e-4 with betas .5 and .999 is Radford et al.'s", (2e-4, 0.5, 0.999)),
        ("wgan_gp", "celeba", "Adam at 1e-4 with betas 0 and .9 is Gulrajani et al.'s", (1e-4, 0.0, 0.9)),
        ("began", "celeba", "an epoch without a lower mean, .5 and .999 are our choice", (1e-4, 0.5, 0.999)),
        ("dcgan", "designspark", "these are the ones of `ithome`", (1e-3, 0.9, 0.999)),
    ],
)
def test_a_preset_whose_source_names_no_rates_says_whose_they_are(
    name: str, preset: str, whose: str, rates: tuple[float, ...]
) -> None:
    found = RECIPES[name].preset(preset)
    assert found is not None
    assert whose in found.description
    params = resolve_params(RECIPES[name], found, {})
    assert isinstance(params, NoiseParams)
    assert (params.learning_rate, params.beta1, params.beta2) == rates
    assert (params.d_learning_rate, params.g_learning_rate) == (None, None)


@pytest.mark.parametrize("name", RECIPES)
def test_every_field_is_described_and_unknown_ones_are_refused(name: str) -> None:
    params = RECIPES[name].params
    assert [field for field, info in params.model_fields.items() if not info.description] == []
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        params.model_validate({"epoch": 1})


@pytest.mark.parametrize(
    ("name", "digits", "colour"),
    [
        ("compact", 28, 32),
        ("mlp_gan", 28, 32),
        ("dcgan", 28, None),
        ("wgan", 32, 32),
        ("dcgan64", 32, 32),
        ("wgan_gp", 32, 32),
        ("began", 32, 32),
        ("r3gan", 32, 32),
        ("cyclegan", 28, 32),
        ("darknet", 28, 32),
    ],
)
def test_the_size_follows_from_the_data_set(name: str, digits: int, colour: int | None) -> None:
    assert size(name, DIGITS) == digits
    if colour is not None:
        assert size(name, COLOUR) == colour
    else:
        place, words = misfit(name, COLOUR)
        assert place == "dataset"
        assert "set `image_size` to 28" in words
        assert size(name, COLOUR, image_size=28) == 28


@pytest.mark.parametrize("name", NEEDS_NOTHING)
def test_pictures_that_are_no_squares_are_refused_with_the_size_to_ask_for(name: str) -> None:
    place, words = misfit(name, FACES)
    assert place == "dataset"
    assert "this data set has 218x178 (height x width)" in words
    asked = 28 if name == "dcgan" else 64
    assert f"set `image_size` to {asked}" in words
    assert size(name, FACES, image_size=asked) == asked


@pytest.mark.parametrize("name", NEEDS_NOTHING)
def test_domains_are_for_translation(name: str) -> None:
    place, words = misfit(name, DOMAINS)
    assert place == "dataset"
    assert "two domains for translation: use cyclegan" in words


def test_translation_takes_domains_or_makes_them_of_classes() -> None:
    assert size("cyclegan", DOMAINS) == 256
    assert size("cyclegan", DOMAINS, batch_size=8) == 256
    assert misfit("cyclegan", DOMAINS, batch_size=9) == (
        "batch_size",
        "must be at most 8, the number of images in the smaller domain",
    )
    # With the test images, if the job trains on them too.
    assert size("cyclegan", DOMAINS, batch_size=13, split="all") == 256
    assert misfit("cyclegan", DOMAINS, batch_size=14, split="all")[1].startswith("must be at most 13,")
    # Two classes are the first domain, one the other. Nobody has counted the images of some data sets.
    of_classes = {**DIGITS, "classes": ["cat", "cow", "dog"], "class_counts": [2, 4, 5]}
    assert size("cyclegan", of_classes, batch_size=5) == 28
    assert misfit("cyclegan", of_classes, batch_size=6)[1].startswith("must be at most 5,")
    assert size("cyclegan", {**of_classes, "class_counts": None}, batch_size=6) == 28
    place, words = misfit("cyclegan", BARE)
    assert place == "dataset"
    assert "two domains (folders A and B), or classes to make them of" in words
    assert misfit("cyclegan", DIGITS, image_size=26)[0] == "image_size"
    assert misfit("cyclegan", DIGITS, image_size=20) == (
        "image_size",
        "must be 24 to 512 in steps of 4 pixels for this recipe",
    )


def test_a_classifier_needs_classes() -> None:
    for dataset in (BARE, DOMAINS):
        place, words = misfit("darknet", dataset)
        assert place == "dataset"
        assert "at least two classes" in words


def test_a_classifier_keeps_its_test_images_unseen() -> None:
    with pytest.raises(ValidationError, match="`split` must be train here"):
        resolve_params(RECIPES["darknet"], None, {"split": "all"})


def test_a_classifier_without_a_test_part_keeps_every_tenth_image() -> None:
    single = {**DIGITS, "parts": {"train": 100}, "images": 100}
    assert size("darknet", single, batch_size=90) == 28
    assert misfit("darknet", single, batch_size=91)[1].startswith("must be at most 90")
    place, words = misfit("darknet", FEW, batch_size=2)
    assert place == "dataset"
    assert "at least 10 images" in words


@pytest.mark.parametrize("name", [*NEEDS_NOTHING])
def test_three_images_in_all_are_too_few_for_a_batch(name: str) -> None:
    place, words = misfit(name, FEW)
    assert place == "batch_size"
    assert words == "must be at most 3, the number of training images; or use a larger data set"
    assert size(name, FEW, batch_size=3) in (28, 32)


def test_all_images_count_where_all_are_asked_for() -> None:
    small = {**DIGITS, "parts": {"train": 60, "test": 40}, "images": 100}
    assert misfit("dcgan", small, batch_size=61)[0] == "batch_size"
    assert size("dcgan", small, batch_size=100, split="all") == 28


@pytest.mark.parametrize(
    ("name", "asked", "words"),
    [
        ("mlp_gan", 256, "must be 8 to 128 pixels"),
        ("dcgan", 32, "must be 28 pixels"),
        ("wgan", 48, "must be 16, 32, 64, 128 or 256 pixels"),
        ("began", 256, "must be 16, 32, 64 or 128 pixels"),
        ("darknet", 8, "must be 16 to 512 pixels"),
    ],
)
def test_a_size_that_the_networks_cannot_have_is_refused_with_those_they_can(name: str, asked: int, words: str) -> None:
    assert misfit(name, DIGITS, image_size=asked) == ("image_size", f"{words} for this recipe")


@pytest.mark.parametrize(
    ("side", "found"), [(16, 16), (15, 16), (13, 16), (12, None), (26, 32), (25, None), (103, 128), (102, None)]
)
def test_a_black_frame_makes_images_a_quarter_larger_at_most(side: int, found: int | None) -> None:
    recipe, params = replace(RECIPES["wgan"], sizes=(16, 32, 64, 128)), resolve_params(RECIPES["wgan"], None, {})
    dataset = {**DIGITS, "shape": [1, side, side]}
    if found is not None:
        assert image_size(recipe, dataset, params) == found
    else:
        with pytest.raises(MisfitError, match="needs square images of 16, 32, 64 or 128 pixels"):
            image_size(recipe, dataset, params)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_shares_the_common_parameters(name: str) -> None:
    assert issubclass(RECIPES[name].params, TrainParams)
    common = {"epochs", "images", "batch_size", "width", "ema_half_life", "warmup_images", "monitor", "patience"}
    assert common | {"exact", "metrics_every", "grid_every", "checkpoint_every"} <= set(
        RECIPES[name].params.model_fields
    )


@pytest.mark.parametrize("name", ["wgan", "wgan_gp", "began", "r3gan"])
def test_labels_are_smoothed_only_where_there_are_labels(name: str) -> None:
    with pytest.raises(ValidationError, match="`label_smoothing` must be 0 here"):
        resolve_params(RECIPES[name], None, {"label_smoothing": 0.1})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"ema_half_life": None, "ema_half_life_start": 0}, "set both or neither"),
        ({"width": 64, "max_width": 32}, "`max_width` must be at least 64, the `width`; raise it, or lower `width`"),
    ],
)
def test_what_does_not_go_together_in_r3gan_is_refused_with_the_remedy(given: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        resolve_params(RECIPES["r3gan"], None, given)


def test_a_classifier_of_quarter_turns_needs_no_classes() -> None:
    assert misfit("darknet", BARE) == ("dataset", "needs images with at least two classes; this data set has none")
    assert size("darknet", BARE, targets="rotations") == 28
    # Every tenth of the images is kept for testing, as with classes.
    few = {**BARE, "parts": {"train": 100}, "images": 100}
    assert size("darknet", few, targets="rotations", batch_size=90) == 28
    place, words = misfit("darknet", few, targets="rotations", batch_size=91)
    assert (place, "must be at most 90" in words) == ("batch_size", True)
    assert misfit("darknet", DOMAINS, targets="rotations") == (
        "dataset",
        "needs images of one domain; this data set has two, to translate between them",
    )
