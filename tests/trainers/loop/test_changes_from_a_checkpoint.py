"""What the service lets a retry change with a checkpoint, every recipe's trainer can go on with."""

from __future__ import annotations

import pytest

from models.recipes import RECIPES
from models.specs.parameter_markers import Resumable, fixed_changes, resumable

CHANGEABLE = {
    name
    for recipe in RECIPES.values()
    for name in recipe.params.model_fields
    if resumable(recipe.params, name) is Resumable.yes
}

# Another value of each; where a recipe refuses one, it is left out.
OTHERWISE = {
    "exact": False,
    "metrics_every": {"steps": 2},
    "grid_every": {"epochs": 2},
    "checkpoint_every": {"steps": 7},
    "quality_every": {"steps": 4},
    "on_alert": {"gradient_norm": "stop"},
    "learning_rate": 1e-5,
    "d_learning_rate": 1e-5,
    "g_learning_rate": 2e-5,
    "learning_rate_end": 1e-6,
    "warmup_images": 50,
    "beta1": 0.3,
    "beta2": 0.7,
    "beta2_end": 0.8,
    "label_smoothing": 0.1,
    "d_steps": 2,
    "g_steps": 2,
    "d_warmup_steps": 6,
    "boost_steps": 3,
    "boost_first": 7,
    "boost_every": 4,
    "clip": 0.02,
    "penalty": 5.0,
    "penalty_every": 3,
    "gamma": 0.5,
    "gamma_end": 0.1,
    "lambda_k": 0.01,
    "cycle": 5.0,
    "identity": 0.0,
    "decay_from": 0.2,
    "decay_every": "epoch",
    "cycle_div": 10.0,
    "cycle_end": 0.1,
    "momentum": 0.9,
    "momentum_low": 0.8,
    "weight_decay": 1e-3,
    "flip": True,
    "ema_half_life_start": 5,
    "tutorial_grids": True,
    "shift": 1,
}
UNLABELLED = {"wgan", "wgan_gp", "began", "r3gan"}
# They take the digits of 28 px as they are; all others would make them larger.
NATIVE = {"compact", "mlp_gan", "dcgan", "cyclegan"}
SMALL = {
    "cyclegan": {"batch_size": 4, "blocks": 1, "pool": 4, "image_size": 24},
    "darknet": {"groups": [1, 1], "patience": 1, "monitor": "accuracy", "ema_half_life": 100},
    "began": {"hidden": 8},
}


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_training_goes_on_with_everything_changed_that_may_change(train_small, recipe):
    fields = RECIPES[recipe].params.model_fields
    small = {**SMALL.get(recipe, {}), **({} if recipe in NATIVE else {"image_size": 16})}
    first = train_small(recipe, stop_at_step=3, **small)
    changed = {name: value for name, value in OTHERWISE.items() if name in fields}
    if recipe in UNLABELLED:
        del changed["label_smoothing"]
    if recipe == "darknet":
        changed |= {"patience": 5, "ema_half_life": 300}
    second = train_small(recipe, resume=first.checkpoint, **{**small, **changed, "epochs": 3})

    assert second.of("started")[0]["start_step"] == 3
    assert second.of("epoch")[-1]["epoch"] == 3
    assert second.of("done")


def test_all_that_may_change_is_a_parameter_and_is_tried_here():
    assert set(OTHERWISE) | {"epochs", "images", "patience"} == CHANGEABLE


@pytest.mark.parametrize(
    ("name", "before", "after", "is_stuck"),
    [
        ("width", 64, 32, True),
        ("width", 64, 64, False),
        ("epochs", 3, 9, False),
        ("ema_half_life", 100, 200, False),
        ("ema_half_life", None, 200, True),
        ("ema_half_life", 100, None, True),
        ("one_that_is_new", None, 3, True),
    ],
)
def test_whatever_is_not_named_stays(name, before, after, is_stuck):
    params = RECIPES["dcgan"].params
    assert fixed_changes(params, {name: after}, {name: before}, {name: after}) == ([name] if is_stuck else [])
