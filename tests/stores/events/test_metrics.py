"""Curves keep their peaks when thinned, and forget what a run that went back had written ahead."""

from __future__ import annotations

import math

from stores.events.thinning import thin


def _metric(steps, values):
    return ("metric", {"epoch": 1, "steps": steps, "values": {"d_loss": values}})


def test_chunks_are_joined_in_order(stores, new_job, worker):
    stores.jobs.submit(new_job())
    claim = stores.jobs.claim("cpu", worker, "cpu")
    stores.jobs.progress(claim, [_metric([1, 2], [0.5, None])])
    stores.jobs.progress(claim, [_metric([3], [0.25])])
    assert stores.events.metrics.series(claim.job_id, ["d_loss"], None) == {"d_loss": ([1, 2, 3], [0.5, None, 0.25])}


def test_an_attempt_that_resumes_earlier_replaces_what_lies_beyond(stores, new_job, worker):
    stores.jobs.submit(new_job())
    claim = stores.jobs.claim("cpu", worker, "cpu")
    stores.jobs.progress(claim, [_metric([1, 2], [1.0, 2.0])])
    stores.jobs.progress(claim, [_metric([3, 4], [3.0, 4.0])])
    stores.jobs.begin_attempt(claim, 2, "cpu")
    stores.jobs.progress(claim, [_metric([3], [3.5])])
    assert stores.events.metrics.series(claim.job_id, None, None) == {"d_loss": ([1, 2, 3], [1.0, 2.0, 3.5])}


def test_thinning_keeps_ends_and_extremes_within_the_limit():
    steps = list(range(10_000))
    values: list[float | None] = [math.sin(step / 50) for step in steps]
    values[4321] = 7.0
    values[8765] = -9.0
    kept_steps, kept = thin(steps, values, 500)
    assert 400 <= len(kept) <= 500
    assert (kept_steps[0], kept_steps[-1]) == (0, 9_999)
    assert (max(kept), min(kept)) == (7.0, -9.0)
    assert kept_steps == sorted(set(kept_steps))


def test_a_gap_survives_thinning():
    values: list[float | None] = [1.0] * 1000
    values[500] = None
    _, kept = thin(list(range(1000)), values, 50)
    assert None in kept


def test_few_points_and_tiny_limits_are_kept_as_they_are():
    assert thin([1, 2], [1.0, 2.0], 500) == ([1, 2], [1.0, 2.0])
    assert thin(list(range(10)), [1.0] * 10, 1) == ([0], [1.0])
    assert thin(list(range(10)), [1.0] * 10, 2) == ([0, 9], [1.0, 1.0])
