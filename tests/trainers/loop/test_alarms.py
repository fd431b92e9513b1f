"""Alarms: each says its thing once, with the numbers, when it lasts for most of a window of images."""

from __future__ import annotations

import json

import pytest
import torch

from trainers.loop.alarms import Alarms, Watched
from trainers.loop.look_watches import EVERY, Measure, Seen
from trainers.loop.windows import Average, RunningMedian, Window
from trainers.methods import DiscriminatorOutput
from trainers.methods.live_look import Look
from trainers.outputs import spread
from trainers.process.reporter import ListReporter

ROW = {"d_loss": 1.0, "g_loss": 1.0, "d_real": 0.6, "d_fake": 0.4, "d_grad_norm": 1.0, "g_grad_norm": 1.0}
SCORES = {**ROW, "d_real": 3.0, "d_fake": 1.0}
HEALTHY = Seen(coverage=0.8, reach=0.9, variety=0.9, distinct=0.5, spread=1.0, moved=0.3, overfitting=0.1)


@pytest.fixture
def told():
    return ListReporter()


def watch(told, d_output=DiscriminatorOutput.probabilities, extra=(), **facts):
    return Alarms(told, Watched((*ROW, *extra), d_output, **facts))


def look(alarms, rows, batch=100, base=ROW):
    for step, row in enumerate(rows, start=1):
        alarms.step(step, step * batch, {**base, **row})


def look_at(alarms, figures):
    for number, some in enumerate(figures, start=1):
        alarms.look(number * 40, number * EVERY, HEALTHY._replace(**some))


def codes(told):
    return [alert["code"] for alert in told.of("alert")]


def test_a_window_fires_at_80_percent_and_again_only_after_20():
    window = Window(images=1000, least=5)  # ten observations of 100 images
    fired = [window.look(holds=one == "x", images=100) for one in "xxxxx.xx.x" + "x" * 20 + "." * 8 + "x" * 8]
    assert [index for index, fire in enumerate(fired) if fire] == [9, 45]


def test_a_window_is_as_long_for_small_batches_as_for_large_ones_but_never_of_a_few_steps():
    for batch, steps in ((10, 100), (100, 20), (5000, 20)):
        window = Window(images=1000, least=20)
        assert [window.look(holds=True, images=batch) for _ in range(steps)].index(True) == steps - 1


def test_a_running_median_is_not_moved_far_by_outliers():
    torch.manual_seed(0)
    median = RunningMedian(pace=0.01)
    for number, value in enumerate(torch.rand(2000).tolist()):
        median.add(value if number % 5 else 1e6)
    # The median of the numbers with the outliers among them is .625.
    assert 0.55 < median.value < 0.7


def test_an_average_and_its_deviation_are_those_of_the_last_images():
    average = Average(images=1000)
    for number in range(200):
        average.add(5.0 + (number % 2), images=10)
    assert (average.value, average.deviation) == (pytest.approx(5.5, abs=0.02), pytest.approx(0.5, abs=0.05))


def test_a_discriminator_that_is_never_fooled_is_named_with_its_numbers(told):
    look(watch(told), [{"d_real": 0.97, "d_fake": 0.01}] * 200)
    [alert] = told.of("alert")
    assert (alert["code"], alert["step"]) == ("discriminator_too_strong", 30)
    assert alert["params"] == {"d_real": 0.97, "d_fake": 0.01}
    assert "action" not in alert


@pytest.mark.parametrize("row", [{"d_real": 0.94, "d_fake": 0.01}, {"d_real": 0.97, "d_fake": 0.06}])
def test_just_inside_the_limits_nothing_is_said(told, row):
    look(watch(told), [row] * 200)
    assert not told.of("alert")


@pytest.mark.parametrize(("real", "named"), [(0.85, []), (0.86, ["discriminator_too_strong"])])
def test_with_smoothed_labels_a_discriminator_that_wins_says_less_than_one(told, real, named):
    look(watch(told, label_smoothing=0.1), [{"d_real": real, "d_fake": 0.01}] * 200)
    assert codes(told) == named


@pytest.mark.parametrize("row", [{"d_fake": 0.99, "d_real": 0.99}, {"d_real": 0.02}])
def test_a_discriminator_that_is_always_fooled_is_named(told, row):
    look(watch(told), [row] * 60)
    assert codes(told) == ["generator_too_strong"]


def test_what_lasts_for_three_quarters_of_a_window_is_not_named(told):
    look(watch(told), ([{"d_real": 0.99, "d_fake": 0.0}] * 3 + [{}]) * 50)
    assert codes(told) == []


@pytest.mark.parametrize("facts", [{"warmup_steps": 60}, {"warmup_images": 6000}])
def test_a_warm_up_is_not_watched(told, facts):
    look(watch(told, **facts), [{"d_real": 0.99, "d_fake": 0.0, "g_grad_norm": 0.0}] * 60 + [{}] * 60)
    assert codes(told) == []


def test_gradients_that_are_large_from_the_beginning_are_usual(told):
    look(watch(told), [{"d_grad_norm": 500.0, "g_grad_norm": 900.0}] * 300)
    assert codes(told) == []


@pytest.mark.parametrize(("loss", "named"), [(9.0, ["gradient_norm"]), (1.0, [])])
def test_a_gradient_of_ten_times_its_usual_size_is_named_where_the_loss_is_worse(told, loss, named):
    look(watch(told), [{}] * 100 + [{"d_grad_norm": 11.0, "d_loss": loss}] * 25)
    assert codes(told) == named


def test_a_steep_step_now_and_then_is_no_alert(told):
    look(watch(told), ([{}] * 9 + [{"d_grad_norm": 5000.0, "d_loss": 50.0}]) * 40)
    assert codes(told) == []


def test_a_generator_whose_gradient_vanishes_is_named(told):
    look(watch(told), [{}] * 100 + [{"g_grad_norm": 0.0009}] * 40)
    assert codes(told) == ["generator_stalled"]


def test_a_critic_that_scores_fakes_above_real_images_is_named(told):
    look(watch(told, DiscriminatorOutput.scores), [{"d_real": -2.0, "d_fake": 1.0}] * 60, base=SCORES)
    [alert] = told.of("alert")
    assert (alert["code"], alert["params"]) == ("critic_reversed", {"distance": -3.0})


@pytest.mark.parametrize(("factor", "named"), [(1.03, ["critic_unbounded"]), (1.0, [])])
def test_a_distance_that_grows_without_end_is_named(told, factor, named):
    look(watch(told, DiscriminatorOutput.scores), [{"d_real": 1 + factor**step} for step in range(500)], base=SCORES)
    assert codes(told) == named


@pytest.mark.parametrize(("k", "named"), [(0.0, ["balance_stuck"]), (1.0, ["balance_stuck"]), (0.001, [])])
def test_a_balance_at_the_end_of_its_range_is_named(told, k, named):
    look(watch(told, DiscriminatorOutput.errors, extra=("k",)), [{"k": k}] * 300)
    assert codes(told) == named


@pytest.mark.parametrize(("last", "named"), [(1.2, ["cycle_loss_rises"]), (0.6, [])])
def test_a_cycle_loss_that_rises_is_named(told, last, named):
    falling = [{"cycle_loss": 2.0 - step / 100} for step in range(160)]
    look(
        watch(told, DiscriminatorOutput.patches, extra=("cycle_loss",)),
        [*falling, *[{"cycle_loss": last}] * 200],
        batch=10,
    )
    assert codes(told) == named


def test_fakes_that_repeat_are_named_with_their_coverage(told):
    look_at(watch(told), [{"distinct": 0.01, "coverage": 0.2}] * 8)
    [alert] = told.of("alert")
    assert (alert["code"], alert["step"]) == ("collapse", 200)
    assert alert["params"] == {"coverage": 0.2, "distance_ratio": 1.0}


def test_good_fakes_that_cover_little_are_named_although_they_differ(told):
    look_at(watch(told), [{"reach": 0.3, "variety": 0.3, "coverage": 0.2}] * 8)
    assert codes(told) == ["collapse"]


def test_coverage_that_still_grows_is_young_and_not_collapsed(told):
    look_at(
        watch(told),
        [{"reach": 0.2, "variety": 0.3, "coverage": 0.2, "spread": 0.1 * 1.06**number} for number in range(12)],
    )
    assert codes(told) == []


def test_a_generator_whose_images_stay_what_they_are_is_named(told):
    look_at(watch(told), [{"moved": 0.0001}] * 8)
    assert codes(told) == ["generator_stalled"]


@pytest.mark.parametrize(("share", "named"), [(0.8, ["overfitting"]), (0.3, []), (None, [])])
def test_a_discriminator_that_takes_held_out_images_for_fakes_is_named(told, share, named):
    look_at(watch(told), [{"overfitting": share}] * 8)
    assert codes(told) == named


def test_translations_that_look_alike_are_named_after_a_grace_and_not_for_one_grid(told):
    alarms = watch(told, DiscriminatorOutput.patches)
    for number, share in enumerate((0.1, 0.1, 0.1, 0.6, 0.49, 0.49), start=1):
        alarms.grid(number * 10, number * 1000, share)
    [alert] = told.of("alert")
    assert (alert["code"], alert["step"], alert["params"]) == ("collapse", 60, {"distance_ratio": 0.49})


def test_a_look_measures_copies_of_few_images_and_new_images_apart():
    torch.manual_seed(1)
    real, others, new = (torch.randn(256, 4) for _ in range(3))
    whole = Measure(real, others).see(Look(new, new, None))
    assert min(whole.coverage, whole.reach, whole.variety) > 0.9
    few = Measure(real, others).see(Look(new[torch.arange(256) % 3], new, None))
    assert (few.distinct, few.reach < 0.1, few.variety < 0.1, few.overfitting) == (0.0, True, True, None)


def test_a_few_real_images_say_nothing_of_what_fakes_should_cover():
    torch.manual_seed(1)
    seen = Measure(torch.randn(12, 4), torch.randn(10, 4)).see(Look(torch.randn(256, 4), torch.randn(32, 4), None))
    assert (seen.coverage, seen.reach, seen.variety) == (1.0, 1.0, 1.0)


def test_a_look_measures_how_far_fakes_have_moved():
    torch.manual_seed(1)
    measure, fakes = Measure(torch.randn(64, 4), torch.randn(64, 4)), torch.randn(256, 4)
    assert [measure.see(Look(one, one, None)).moved for one in (fakes, fakes)] == [1.0, 0.0]


@pytest.mark.parametrize(("held_out", "share"), [(2.0, 0.0), (-2.0, 1.0), (0.0, 0.5)])
def test_overfitting_is_the_share_of_the_margin_that_held_out_images_lack(held_out, share):
    torch.manual_seed(1)
    scores = torch.tensor([[2.0], [held_out], [-2.0]]) + 0.1 * torch.randn(3, 128)
    measure = Measure(torch.randn(64, 4), torch.randn(64, 4))
    seen = measure.see(Look(torch.randn(256, 4), torch.randn(32, 4), scores))
    assert seen.overfitting == pytest.approx(share, abs=0.02)


def test_everything_that_is_remembered_survives_a_checkpoint(told):
    rows = [{}] * 40 + [{"d_real": 0.99, "d_fake": 0.0, "d_grad_norm": 20.0, "d_loss": 9.0}] * 60
    whole = watch(told)
    for step, row in enumerate(rows, start=1):
        whole.step(step, step * 100, {**ROW, **row})
    look_at(whole, [{"reach": 0.3, "variety": 0.3, "coverage": 0.2}] * 8)
    wanted = [(alert["code"], alert["step"]) for alert in told.of("alert")]
    assert {code for code, _ in wanted} == {"discriminator_too_strong", "gradient_norm", "collapse"}

    told.messages.clear()
    alarms = watch(told)
    for step, row in enumerate(rows, start=1):
        alarms.step(step, step * 100, {**ROW, **row})
        state = json.loads(json.dumps(alarms.state()))
        alarms = watch(told)
        alarms.restore(state)
    for number in range(1, 9):
        alarms.look(number * 40, number * EVERY, HEALTHY._replace(reach=0.3, variety=0.3, coverage=0.2))
        state = json.loads(json.dumps(alarms.state()))
        alarms = watch(told)
        alarms.restore(state)
    assert [(alert["code"], alert["step"]) for alert in told.of("alert")] == wanted


def test_the_state_of_an_earlier_version_is_read(told):
    alarms = watch(told)
    alarms.restore({"discriminator_too_strong": [60, 0, True], "collapse": [2, 0, True], "spread": 0.4})
    # What was said before is not said again while it lasts.
    look(alarms, [{"d_real": 0.99, "d_fake": 0.0}] * 60)
    look_at(alarms, [{"distinct": 0.0}] * 8)
    assert codes(told) == []


def test_the_spread_is_the_mean_distance_of_all_pairs():
    images = torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])
    assert spread(images) == pytest.approx((5 + 1 + 18**0.5) / 3, rel=1e-6)
    assert spread(torch.ones(4, 1, 2, 2)) == 0
