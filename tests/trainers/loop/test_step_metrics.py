"""Metrics of steps: read in order, averaged, sent where recorded, never sent where they are to be done again."""

from __future__ import annotations

import math

import pytest
import torch

from models.wire import Progress
from trainers.loop.alarms import Alarms, Watched
from trainers.loop.looks import Looks
from trainers.loop.step_metrics import NotANumberError, StepMetrics, rounded
from trainers.methods import DiscriminatorOutput
from trainers.process.reporter import ListReporter

PROGRESS = Progress(1, 1, 4, 4, 64, 1.0)


@pytest.fixture
def reporter():
    return ListReporter()


@pytest.fixture
def metrics(reporter):
    names = ("d_loss", "g_loss")
    alarms = Alarms(reporter, Watched(names, DiscriminatorOutput.none))
    return StepMetrics(names, torch.device("cpu"), reporter, alarms, Looks(None, 16))


def add(metrics, step, *values, recorded=True):
    metrics.add(torch.tensor(values), step, 16 * step, recorded=recorded)


def test_only_recorded_steps_are_sent_and_all_of_them_are_averaged(metrics, reporter):
    for step in range(1, 5):
        add(metrics, step, float(step), -float(step), recorded=step % 2 == 0)
    metrics.read()
    metrics.send(1, PROGRESS)
    [message] = reporter.of("metric")
    assert (message["steps"], message["values"]) == ([2, 4], {"d_loss": [2.0, 4.0], "g_loss": [-2.0, -4.0]})
    assert metrics.end_epoch() == {"d_loss": 2.5, "g_loss": -2.5}
    assert [point[0] for point in metrics.history.points] == [16, 32, 48, 64]


def test_nothing_is_sent_twice(metrics):
    add(metrics, 1, 1.0, 1.0)
    metrics.read()
    metrics.send(1, PROGRESS)
    assert metrics.nothing_to_send


def test_a_step_that_is_not_a_number_is_raised_with_its_values_and_recorded_whatever_the_cadence(metrics, reporter):
    add(metrics, 1, 1.0, 1.0, recorded=False)
    add(metrics, 2, math.nan, 0.5, recorded=False)
    add(metrics, 3, 9.0, 9.0)
    with pytest.raises(NotANumberError) as raised:
        metrics.read()
    assert (raised.value.step, raised.value.values) == (2, {"d_loss": None, "g_loss": 0.5})
    metrics.send(1, PROGRESS)
    assert reporter.of("metric")[0]["steps"] == [2]
    # The steps up to it count; what came after it does not.
    assert metrics.means.count == 1


def test_discarded_steps_leave_no_trace(metrics):
    add(metrics, 1, 1.0, 1.0)
    metrics.read()
    add(metrics, 2, 2.0, 2.0)
    metrics.discard()
    assert metrics.nothing_to_send
    metrics.read()
    assert metrics.means.count == 1


def test_they_are_due_at_once_and_then_twice_a_second(metrics):
    now = 1000.0
    assert metrics.due(now)
    add(metrics, 1, 1.0, 1.0)
    metrics.read()
    metrics.send(1, PROGRESS)
    assert not metrics.due(metrics._sent_at + 0.49)
    assert metrics.due(metrics._sent_at + 0.5)


@pytest.mark.parametrize(("value", "told"), [(1.23456789, 1.23457), (math.inf, None), (math.nan, None), (0.0, 0.0)])
def test_six_digits_are_told_and_none_for_what_json_cannot_hold(value, told):
    assert rounded(value) == told
