"""Recorded runs, healthy and faulty, are shown to the alarms again: each is named for what it is, and nothing else."""

from __future__ import annotations

import json

import pytest

from tests.trainers.alarms.labels import HEALTHY, MUST, SEEN
from tests.trainers.alarms.scores import Run, recorded, scores
from tests.trainers.alarms.series import RUNS, Series, replay
from trainers.loop.alarms import Alarms
from trainers.process.reporter import ListReporter


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    """Return all recorded runs, with what alarms say of them."""
    return recorded()


@pytest.mark.parametrize("seen", [True, False])
def test_runs_are_named_for_what_they_are(runs: list[Run], seen: bool) -> None:
    found = scores(run for run in runs if (run.name in SEEN) is seen)
    wrong = [run for run in runs if run.wrong or (run.wanted and not run.right)]
    assert found.precision >= 0.95, wrong
    assert found.recall >= 0.95, wrong
    # One in a million images would be one in a hundred epochs of the built-in digits.
    assert found.per_million <= 1, wrong
    for name, code in found.codes.items():
        assert code.precision >= 0.95, (name, wrong)
    # A look takes place every 5,000 images, and five make a window. Few kinds of images have to be learned first.
    learned = {"one_class", "ten_images"}
    assert all(of.longest_delay <= 27_000 for fault, of in found.faults.items() if fault not in learned)
    assert all(of.longest_delay <= 60_000 for of in found.faults.values())


def test_every_fault_and_every_recipe_is_recorded_with_seeds_that_nothing_was_tuned_on(runs: list[Run]) -> None:
    unseen = [run for run in runs if run.name not in SEEN]
    assert {run.fault for run in unseen} == {*MUST, "healthy"}
    assert {run.recipe for run in unseen if not run.wanted} == set(HEALTHY)


def test_a_resumed_run_raises_the_same_alarms_at_the_same_steps() -> None:
    for name in ("mlp_gan-noise10-0", "mlp_gan-g_frozen-0", "smooth-d_rate-0"):
        series = Series.read(RUNS / f"{name}.xz")
        whole = replay(series)
        assert whole
        told: dict[str, int] = {}
        state: dict[str, object] = {}
        for begin in range(0, series.steps, 200):
            alarms = Alarms(ListReporter(), series.watched)
            alarms.restore(state)
            told.update(replay(series, alarms, begin, min(series.steps, begin + 200)))
            state = json.loads(json.dumps(alarms.state()))
        assert told == whole


def test_the_files_are_small() -> None:
    assert sum(path.stat().st_size for path in RUNS.glob("*.xz")) < 1_500_000
