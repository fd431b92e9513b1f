"""Schedules at their ends, in the middle, and against a sum made one by one."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainers.methods.schedules import CriticSteps, constant, cosine, linear_decay, one_cycle


def test_a_cosine_begins_and_ends_level():
    assert [cosine(2.0, 0.5, at) for at in (0.0, 0.5, 1.0, 1.7)] == pytest.approx([2.0, 1.25, 0.5, 0.5])
    assert cosine(2.0, 0.5, 0.01) == pytest.approx(2.0, abs=1e-3)
    assert cosine(2.0, 0.5, 0.99) == pytest.approx(0.5, abs=1e-3)
    # It may rise too, as Adam's decay does.
    assert cosine(0.9, 0.99, 1.0) == pytest.approx(0.99)


def test_the_linear_decay_is_level_first_and_nothing_at_the_end():
    assert [linear_decay(0.5, at) for at in (0.0, 0.5, 0.75, 1.0)] == pytest.approx([1, 1, 0.5, 0])
    assert linear_decay(0.0, 0.25) == pytest.approx(0.75)
    assert linear_decay(1.0, 1.0) == 1.0


def test_one_cycle_peaks_in_the_middle_of_the_first_four_fifths_and_ends_near_nothing():
    low, high = 1.3 / 20, 1.3
    rate = [one_cycle(low, high, 0.2, at) for at in (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 1.0)]
    half = (low + high) / 2
    assert rate == pytest.approx([low, half, high, half, low, low * 0.505, low / 100])
    course = [one_cycle(low, high, 0.2, n / 1000) for n in range(1001)]
    assert max(course) == course[400]
    assert course[:401] == sorted(course[:401])
    assert course[400:] == sorted(course[400:], reverse=True)


def test_the_momentum_mirrors_the_rate_and_stays_level_at_the_end():
    momentum = [one_cycle(0.95, 0.85, 0.2, at) for at in (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 1.0)]
    assert momentum == pytest.approx([0.95, 0.9, 0.85, 0.9, 0.95, 0.95, 0.95])


def test_a_cycle_without_a_last_stretch_ends_where_it_began():
    assert [one_cycle(0.1, 1.0, 0.0, at) for at in (0.0, 0.5, 1.0)] == pytest.approx([0.1, 1.0, 0.1])


def test_the_boost_is_at_the_first_25_iterations_and_at_every_500th():
    steps = CriticSteps.of(SimpleNamespace(d_steps=5, boost_steps=100, boost_first=25, boost_every=500))
    boosted = [step for step in range(1600) if steps.at(step) == 100]
    assert boosted == [*range(25), 500, 1000, 1500]
    assert {steps.at(step) for step in range(1600)} == {5, 100}
    assert steps.most == 100


def test_without_a_boost_every_iteration_is_alike():
    unboosted = CriticSteps.of(SimpleNamespace(d_steps=3, boost_steps=None, boost_first=25))
    for steps in (constant(SimpleNamespace(d_steps=3)).d_steps, unboosted):
        assert {steps.at(step) for step in range(30)} == {3}
        assert [steps.iterations(7, batches) for batches in (0, 1, 3, 4)] == [0, 1, 1, 2]


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(
    st.builds(CriticSteps, st.integers(1, 6), st.integers(1, 30), st.integers(0, 12), st.integers(1, 9)),
    st.integers(0, 60),
    st.integers(0, 700),
)
def test_iterations_are_counted_as_one_by_one(steps, step, batches):
    count = drawn = 0
    while drawn < batches:
        drawn += steps.at(step + count)
        count += 1
    assert steps.iterations(step, batches) == count


def test_a_budget_of_billions_is_counted_at_once():
    steps = CriticSteps(5, 100, 25, 500)
    # 25 boosted, 475 usual, then 500 iterations with 2,595 batches each.
    assert steps.iterations(0, 2500 + 475 * 5 + 2595 * 10**9) == 500 + 500 * 10**9
