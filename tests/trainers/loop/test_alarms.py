"""Alerts: each says its thing once, with the numbers, and again only after a calm."""

from __future__ import annotations

import pytest
import torch

from trainers.loop.alarms import Alarms, Streak
from trainers.outputs import spread
from trainers.process.reporter import ListReporter

EVEN = {"d_real": 0.6, "d_fake": 0.4, "d_grad_norm": 1.0, "g_grad_norm": 1.0}


@pytest.fixture
def told():
    return ListReporter()


def look(watch, rows):
    for step, row in enumerate(rows, start=1):
        watch.step(step, {**EVEN, **row})


def test_a_streak_fires_once_and_again_after_as_long_a_calm():
    streak = Streak(3)
    fired = [streak.look(holds=character == "x") for character in "xx.xxxxx.xxxx...xxx"]
    assert [index for index, fire in enumerate(fired) if fire] == [5, 18]


def test_a_discriminator_that_is_never_fooled_is_named_with_its_numbers(told):
    look(Alarms(told, 1000), [{"d_real": 0.97, "d_fake": 0.01}] * 200)
    [alert] = told.of("alert")
    assert (alert["code"], alert["step"]) == ("discriminator_too_strong", 50)
    assert (alert["params"]["d_real"], alert["params"]["d_fake"]) == (0.97, 0.01)


@pytest.mark.parametrize("row", [{"d_real": 0.94, "d_fake": 0.01}, {"d_real": 0.97, "d_fake": 0.06}])
def test_just_inside_the_limits_nothing_is_said(told, row):
    look(Alarms(told, 1000), [row] * 200)
    assert not told.of("alert")


def test_49_steps_are_not_long(told):
    look(Alarms(told, 1000), ([{"d_real": 0.99, "d_fake": 0.0}] * 49 + [{}]) * 5)
    assert not told.of("alert")


@pytest.mark.parametrize("row", [{"d_fake": 0.99, "d_real": 0.99}, {"d_real": 0.02}])
def test_a_discriminator_that_is_always_fooled_is_named(told, row):
    look(Alarms(told, 1000), [row] * 60)
    assert [alert["code"] for alert in told.of("alert")] == ["generator_too_strong"]


def test_a_short_epoch_shortens_the_wait(told):
    look(Alarms(told, 40), [{"d_real": 0.99, "d_fake": 0.0}] * 40)
    assert told.of("alert")[0]["step"] == 20


def test_gradients_over_100_for_five_steps_speak_once_until_50_calm_steps(told):
    loud = {"g_grad_norm": 100.5}
    slope = [loud] * 5
    look(Alarms(told, 1000), [*slope, {}, *slope, *[{}] * 49, *slope, *[{}] * 50, *slope, {"g_grad_norm": 100.0}])
    assert [alert["step"] for alert in told.of("alert")] == [5, 120]
    assert told.of("alert")[0]["params"]["g_grad_norm"] == 100.5


def test_a_steep_step_now_and_then_is_no_alert(told):
    look(Alarms(told, 1000), [*[{"d_grad_norm": 5000.0}] * 4, {"d_grad_norm": 100.0}] * 20)
    assert told.of("alert") == []


def test_fakes_that_look_alike_are_named_after_a_grace_and_not_for_one_grid(told):
    watch = Alarms(told, 1000)
    for epoch, share in enumerate((0.1, 0.1, 0.1, 0.6, 0.49, 0.49), start=1):
        watch.grid(epoch * 10, epoch, share)
    [alert] = told.of("alert")
    assert (alert["code"], alert["step"], alert["params"]["distance_ratio"]) == ("collapse", 60, 0.49)


def test_fakes_that_still_grow_apart_are_young_and_not_collapsed(told):
    watch = Alarms(told, 1000)
    for epoch in range(1, 12):
        watch.grid(epoch * 10, epoch, 0.1 * 1.06**epoch)
    assert told.of("alert") == []
    for epoch in (12, 13):
        watch.grid(epoch * 10, epoch, 0.19)
    assert [alert["step"] for alert in told.of("alert")] == [130]


def test_what_was_seen_of_the_spread_survives_a_checkpoint(told):
    first, second = Alarms(told, 1000), Alarms(told, 1000)
    first.grid(10, 5, 0.2)
    first.grid(20, 6, 0.2)
    second.restore(first.state())
    second.grid(30, 7, 0.2)
    assert [alert["step"] for alert in told.of("alert")] == [30]
    second.restore({"collapse": [0, 0, False]})  # of an earlier version


def test_the_counters_survive_a_checkpoint(told):
    row = {**EVEN, "d_real": 0.99, "d_fake": 0.0}
    first, second = Alarms(told, 1000), Alarms(told, 1000)
    for step in range(30):
        first.step(step, row)
    second.restore(first.state())
    for step in range(30, 60):
        second.step(step, row)
    assert [alert["step"] for alert in told.of("alert")] == [49]


def test_the_spread_is_the_mean_distance_of_all_pairs():
    images = torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])
    assert spread(images) == pytest.approx((5 + 1 + 18**0.5) / 3, rel=1e-6)
    assert spread(torch.ones(4, 1, 2, 2)) == 0


@pytest.mark.slow
@pytest.mark.timeout(600)  # half a minute alone; two where faults and a browser share two cores with it
def test_the_settings_of_the_article_are_named_within_their_first_epoch(make_spec):
    import json

    from models.recipes import RECIPES, resolve_params
    from packing.layouts import KNOWN
    from tests.trainers.attempts import Attempt

    recipe, known = RECIPES["dcgan"], KNOWN["mnist-10k"]
    changes = {"epochs": 1, "monitor": None, "patience": None}
    params = resolve_params(recipe, recipe.preset("ithome"), changes).model_dump(mode="json")
    dataset = {"name": known.name, "source": known.source, "layout": known.layout, "folder": known.folder}
    dataset |= {"shape": known.shape, "classes": known.classes, "parts": known.parts}
    # One thread: two that wait for one another by spinning take five times as long where other tests run beside them.
    attempt = Attempt.run(json.dumps({**make_spec("dcgan"), "params": params, "dataset": dataset, "threads": 1}))
    assert "discriminator_too_strong" in [alert["code"] for alert in attempt.of("alert")]
