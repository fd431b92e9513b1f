"""When metrics, grids and checkpoints are due."""

from __future__ import annotations

from types import SimpleNamespace

from trainers.loop.cadence import Cadences, CheckpointDefault, Every


def test_cadences():
    steps, epochs = (Every(SimpleNamespace(**{unit: 3}), 0) for unit in ("steps", "epochs"))
    assert [step for step in range(1, 10) if steps.due(step, None, 0)] == [3, 6, 9]
    assert [epoch for epoch in (None, 1, 2, 3, 6) if epochs.due(5, epoch, 0)] == [3, 6]
    seconds = Every(SimpleNamespace(seconds=2.5), 0)
    assert [now for now in (1, 2, 3, 4, 5, 5.5, 8) if seconds.due(1, None, now)] == [3, 5.5, 8]


def test_the_default_cadence_of_checkpoints():
    every = CheckpointDefault(0)
    asked = [(1, 4.9), (2, 5.0), (3, 9.9), (None, 60.0), (None, 64.9), (None, 65.0), (4, 69.0), (5, 70.0)]
    assert [now for epoch, now in asked if every.due(1, epoch, now)] == [5.0, 65.0, 70.0]


def test_large_checkpoints_come_less_often_but_once_a_minute():
    every = CheckpointDefault(0)
    every.weigh(24_000_000)
    assert [now for now in (5.0, 39.9, 40.0, 79.9, 80.5) if every.due(1, 1, now)] == [40.0, 80.5]
    every.weigh(10**10)
    assert [now for now in (120.5, 140.0, 140.5) if every.due(1, 1, now)] == [140.5]
    every.weigh(1000)
    assert every.due(1, 1, 145.5)


def cadences(**given):
    every = {"metrics_every": {"steps": 4}, "grid_every": {"epochs": 1}, "checkpoint_every": {"steps": 3}, **given}
    params = {name: unit and SimpleNamespace(**unit) for name, unit in every.items()}
    return Cadences(SimpleNamespace(**params), 0)


def test_each_of_the_three_follows_its_own_cadence():
    of_job = cadences()
    assert [step for step in range(2, 9) if of_job.due(step, None, 0).record] == [4, 8]
    assert [epoch for epoch in (None, 1, 2) if of_job.due(5, epoch, 0).grid] == [1, 2]
    assert [step for step in range(1, 9) if of_job.due(step, None, 0).checkpoint] == [3, 6]


def test_the_first_step_is_recorded_whatever_the_cadence():
    assert cadences().due(1, None, 0).record


def test_without_a_chosen_cadence_the_size_of_checkpoints_counts():
    by_default, chosen = cadences(checkpoint_every=None), cadences(checkpoint_every={"seconds": 5})
    for of_job in (by_default, chosen):
        of_job.weigh_checkpoint(24_000_000)
    # An epoch ends after 6 s: 24 MB should come every 40 s, unless somebody asked for more.
    assert (by_default.due(1, 1, 6.0).checkpoint, chosen.due(1, 1, 6.0).checkpoint) == (False, True)
