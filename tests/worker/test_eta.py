"""The estimate of a running job against ends that are known: steady, uneven and changing paces."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from worker.eta import Eta


def told(paces, shares=(0.1, 0.5)):
    """Run a job a second at a time at these fractions a second; return {share: (true seconds left, at, low, high)}."""
    eta, fraction, looks = Eta(), 0.0, {}
    wanted = list(shares)
    for second, pace in enumerate([0.0, *paces]):
        fraction += pace
        answer = eta.update(min(fraction, 1.0), float(second))
        if wanted and fraction >= wanted[0] and answer is not None:
            now = datetime.now(UTC)
            seconds = [(datetime.fromisoformat(answer[name]) - now).total_seconds() for name in ("at", "low", "high")]
            looks[wanted.pop(0)] = (second, *seconds)
        if fraction >= 1.0 - 1e-9:
            return {share: (second - then, *rest) for share, (then, *rest) in looks.items()}
    raise AssertionError("the job did not end")


@pytest.mark.parametrize("length", [20, 400])
def test_a_steady_pace_is_foretold_to_the_second(length):
    for left, at, low, high in told([1 / length] * length).values():
        assert at == pytest.approx(left, abs=1)
        assert left * 0.9 - 1 <= low <= left <= high <= left * 1.06 + 3


def test_an_uneven_pace_ends_within_the_range_nine_times_in_ten():
    inside = []
    for seed in range(20):
        draw = random.Random(seed)
        for left, at, low, high in told([draw.uniform(0.5, 1.5) / 200 for _ in range(600)]).values():
            assert at == pytest.approx(left, rel=0.2)
            inside.append(low <= left <= high)
    assert len(inside) == 40
    assert sum(inside) >= 36


def test_a_pace_that_has_halved_is_followed_within_the_window():
    looks = told([1 / 200] * 80 + [1 / 400] * 400, shares=(0.35, 0.6))
    early, late = looks[0.35], looks[0.6]
    assert early[1] < 0.6 * early[0]  # nobody can know yet
    assert late[1] == pytest.approx(late[0], rel=0.05)


def test_a_resumed_job_counts_from_where_it_goes_on():
    eta = Eta()
    for second in range(11):
        answer = eta.update(0.5 + 0.01 * second, float(second))
    left = (datetime.fromisoformat(answer["at"]) - datetime.now(UTC)).total_seconds()
    assert left == pytest.approx(40, abs=1)


def test_too_little_to_go_by_is_no_estimate():
    eta = Eta()
    assert eta.update(0.0, 0.0) is None
    assert eta.update(0.1, 1.0) is None
    assert eta.update(0.2, 2.5) is not None
    assert Eta().update(1.0, 0.0) is None
