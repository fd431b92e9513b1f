"""The quality of images while a GAN trains: measured when it is due, `best` by it, and nothing else is changed."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from models.recipes import RECIPES
from models.specs.parameter_markers import bounds
from tests.trainers.attempts import Attempt, Process
from tests.trainers.golden import content
from tests.trainers.process.hungry import Hungry
from trainers import recipes
from trainers.loop.early_stop import EarlyStop
from trainers.loop.epoch_clock import EpochClock
from trainers.loop.quality import Moment, Quality
from trainers.process.reporter import ListReporter

FIGURES = {"fd_ratio", "coverage", "kl"}
MNIST: dict[str, Any] = {
    "name": "mnist-10k",
    "path": "mnist-10k.safetensors",
    "bounds": {name: vars(bound) for name, bound in bounds(RECIPES["darknet"].params).items()},
}


@pytest.fixture
def train_judged(make_spec):
    """Return a function that runs a small attempt with the packaged extractor, or another one."""

    def run(recipe="mlp_gan", *, stop_at_step=None, extractor=MNIST, **given):
        line = {**make_spec(recipe, **given), "extractor": extractor}
        return Attempt.run(json.dumps(line), stop_at_step)

    return run


def measured(*attempts):
    """Return the figures of each measurement, by step."""
    return {
        message["steps"][0]: {name: values[0] for name, values in message["values"].items()}
        for attempt in attempts
        for message in attempt.of("metric")
        if "fd_ratio" in message["values"]
    }


def best(*attempts):
    return [message["step"] for attempt in attempts for message in attempt.files("checkpoint") if message["best"]]


def lowest_so_far(values):
    """Return the steps at which a figure was lower than ever before."""
    return [step for step, value in values.items() if all(value < other for at, other in values.items() if at < step)]


@pytest.mark.parametrize(
    ("recipe", "given"),
    [
        ("compact", {}),
        ("dcgan", {"ema_half_life": 100}),
        ("dcgan", {"precision": "bfloat16"}),
    ],
)
def test_measuring_changes_no_bit_of_the_training(train_small, train_judged, recipe, given):
    plain = train_small(recipe, **given)
    judged = train_judged(recipe, **given, quality_every={"steps": 3}, monitor="fd_ratio")
    assert measured(judged).keys() == {3, 6, 9, 12, 15, 18, 20}
    assert judged.hashes == plain.hashes
    # Weights, running statistics, averages and moments, of both networks.
    (before, _), (after, _) = content(plain.checkpoint), content(judged.checkpoint)
    changing = {name for name in before if name != "epoch_seconds"}
    assert {name for name in after if name != "epoch_seconds"} == changing
    assert all(torch.equal(before[name], after[name]) for name in changing)
    assert [message["step"] for message in judged.files("grid")] == [message["step"] for message in plain.files("grid")]


def test_best_is_the_checkpoint_of_the_lowest_ratio(train_judged):
    attempt = train_judged(epochs=6, quality_every={"epochs": 1}, monitor="fd_ratio", learning_rate=2e-3)
    ratios = {step: figures["fd_ratio"] for step, figures in measured(attempt).items()}
    assert list(ratios) == [10, 20, 30, 40, 50, 60]
    assert all(figures.keys() == FIGURES for figures in measured(attempt).values())
    assert best(attempt) == lowest_so_far(ratios)
    # The service is told the ratio of the best weights each time.
    told = [message["fd_ratio"] for message in attempt.of("quality")]
    assert told == [min(list(ratios.values())[:n]) for n in range(1, 7)]
    # The means of an epoch hold what was measured in it.
    assert [message["means"]["fd_ratio"] for message in attempt.of("epoch")] == list(ratios.values())


def test_a_measurement_within_an_epoch_may_be_the_best(train_judged):
    attempt = train_judged(quality_every={"steps": 4}, monitor="coverage")
    coverages = {step: -figures["coverage"] for step, figures in measured(attempt).items()}
    assert list(coverages) == [4, 8, 12, 16, 20]
    assert best(attempt) == lowest_so_far(coverages)
    assert [message["means"]["coverage"] for message in attempt.of("epoch")] == [-coverages[8], -coverages[20]]


def test_a_cut_training_measures_the_same_and_keeps_the_best(train_judged):
    asked = {"epochs": 5, "quality_every": {"epochs": 1}, "monitor": "fd_ratio", "learning_rate": 2e-3}
    undisturbed = train_judged(**asked)
    first = train_judged(**asked, stop_at_step=23)
    _, meta = content(first.checkpoint)
    assert meta["stop"]["best"] == pytest.approx(min(one["fd_ratio"] for one in measured(first).values()), rel=1e-5)
    assert (meta["quality"]["count"], len(meta["quality"]["recent"])) == (2, 2)
    second = train_judged(**asked, resume=first.checkpoint)
    assert measured(first, second) == measured(undisturbed)
    assert best(first, second) == best(undisturbed)
    assert second.hashes == undisturbed.hashes


def test_a_killed_training_measures_the_same_and_keeps_the_best(make_spec):
    asked = {"epochs": 5, "quality_every": {"steps": 5}, "monitor": "fd_ratio", "checkpoint_every": {"steps": 6}}
    undisturbed = Attempt.run(json.dumps({**make_spec(**asked), "extractor": MNIST}))
    line = {**make_spec(**asked), "extractor": MNIST}
    killed, resumed = Process(), Process()
    try:
        killed.write(line)
        # Measured three times, with the checkpoint of its eighteenth step written, it is in the middle of its training.
        killed.until("file", path=str(Path(line["scratch"]) / "checkpoint-00000018.safetensors"))
        os.kill(killed.process.pid, signal.SIGKILL)
        assert killed.end() == -signal.SIGKILL
        checkpoint = max(Path(line["scratch"]).glob("checkpoint-*.safetensors"))
        resumed.write({**make_spec(**asked, resume=checkpoint), "extractor": MNIST})
        assert resumed.end() == 0
    finally:
        killed.close()
        resumed.close()
    first, second = Attempt(killed.messages), Attempt(resumed.messages)
    assert 18 <= second.of("started")[0]["start_step"] < 50
    assert second.hashes == undisturbed.hashes
    # What the first attempt told beyond its last checkpoint, the second one tells again.
    assert {**first.series, **second.series} == undisturbed.series
    assert {**measured(first), **measured(second)} == measured(undisturbed)
    assert sorted({*best(first), *best(second)}) == best(undisturbed)


def test_figures_of_another_extractor_are_no_measure(train_small, train_judged):
    weak = {**MNIST, "name": "weak", "path": train_small("darknet", image_size=28, epochs=1, groups=[1, 1]).checkpoint}
    asked = {"epochs": 4, "quality_every": {"epochs": 1}, "monitor": "fd_ratio"}
    first = train_judged(**asked, stop_at_step=23)
    second = train_judged(**asked, resume=first.checkpoint, extractor=weak)
    before, after = ([one["fd_ratio"] for one in measured(attempt).values()] for attempt in (first, second))
    assert min(before) < min(after)
    assert best(second)[0] == 30
    assert second.of("quality")[-1]["fd_ratio"] == min(after)


def test_patience_counts_what_was_measured(train_judged):
    attempt = train_judged(
        epochs=60, quality_every={"epochs": 2}, monitor="fd_ratio", patience=2, learning_rate=1e-6, ema_half_life=10**9
    )
    steps = list(measured(attempt))
    # An average that hardly moves gets no better: two measurements, four epochs, after the best one.
    assert steps[-1] == best(attempt)[-1] + 40
    assert attempt.messages[-1]["reason"].startswith("fd_ratio has not improved for 2 measurements")


def test_without_an_extractor_nothing_is_measured_and_nothing_is_best(train_small):
    attempt = train_small(monitor="fd_ratio", quality_every={"steps": 1})
    assert measured(attempt) == {}
    assert best(attempt) == []
    assert len(attempt.of("epoch")) == 2


def test_an_extractor_that_is_gone_is_told_and_training_goes_on(train_judged):
    attempt = train_judged(extractor={**MNIST, "path": "gone.safetensors"}, monitor="fd_ratio")
    [told] = [message for message in attempt.of("log") if message["level"] == "warning"]
    assert "gone.safetensors" in told["message"]
    assert measured(attempt) == {}
    assert len(attempt.files("weights")) == 2


def test_no_memory_to_measure_costs_no_batch(train_judged, monkeypatch):
    # In evaluation mode the generator gets more images at once than there is memory for.
    class Greedy(Hungry):
        def forward(self, inputs):
            if not self.training and len(inputs) > self.allowed:
                self.ask()
            return self.network(inputs)

    monkeypatch.setitem(recipes.RECIPES, "mlp_gan", Greedy.recipe("mlp_gan", allowed=64))
    attempt = train_judged(quality_every={"steps": 5})
    assert measured(attempt) == {}
    [told] = [message for message in attempt.of("log") if message["level"] == "warning"]
    assert told["text"]["code"] == "no_judge"
    assert attempt.of("alert") == []
    assert len(attempt.files("weights")) == 2


def test_the_report_tells_what_measuring_took(train_judged):
    attempt = train_judged(quality_every={"epochs": 1})
    report = json.loads(Path(attempt.files("report")[0]["path"]).read_text())
    assert report["quality_measurements"] == 2
    assert 0 < report["quality_seconds"] < report["seconds"]
    assert len(report["extractor"]) == 64


class Counting:
    """A judge of three seconds a measurement."""

    sha256 = "0" * 64
    setup_seconds = 1.0
    expected_seconds = 3.0

    def figures(self):
        """Return a figure."""
        return {"fd_ratio": 1.0}


def quality(**given):
    found = Quality(SimpleNamespace(**given), Counting(), ListReporter())
    found.seconds = 0.0
    return found


def test_by_default_measuring_takes_two_percent_and_the_end_is_always_measured():
    by_default, epochs = quality(), []
    trained = 0.0
    for epoch in range(1, 41):
        trained += 60
        if by_default.due(Moment(epoch, epoch, trained, trained, epoch / 40, last=epoch == 40), repeating=False):
            epochs.append(epoch)
            by_default._account(3.0)
            trained += 3.0
    # Every 150 s of training allow for one of 3 s; the last one is saved for the end.
    assert epochs == [3, 5, 8, 10, 13, 15, 18, 20, 23, 25, 28, 30, 33, 35, 38, 40]
    assert by_default.seconds / (trained - by_default.seconds) <= 0.02
    assert not by_default.due(Moment(41, None, trained, 10 * trained, 0.5, last=False), repeating=False)


def test_a_measurement_is_kept_in_reserve_for_the_end():
    # 300 s of training allow for two: one in the middle, one at the end.
    by_default, epochs, trained = quality(), [], 0.0
    for epoch in range(1, 7):
        trained += 50
        if by_default.due(Moment(epoch, epoch, trained, trained, epoch / 6, last=epoch == 6), repeating=False):
            epochs.append(epoch)
            by_default._account(3.0)
            trained += 3.0
    assert epochs == [3, 6]


def test_a_chosen_cadence_is_kept_whatever_it_costs_and_the_end_is_measured():
    chosen = quality(quality_every=SimpleNamespace(epochs=2))
    due = [chosen.due(Moment(n, n, n, n, n / 5, last=n == 5), repeating=False) for n in range(1, 6)]
    assert due == [False, True, False, True, True]


def test_repeated_steps_are_told_what_was_measured_the_first_time():
    again = quality(quality_every=SimpleNamespace(steps=2))
    again.measure(2, repeating=False)
    assert again.count == 1
    assert [again.due(Moment(step, None, 0, 0, 0, last=False), repeating=True) for step in (1, 2, 4)] == [
        False,
        True,
        False,
    ]
    assert again.measure(2, repeating=True) == {"fd_ratio": 1.0}
    assert again.count == 1


def test_what_was_not_measured_is_neither_better_nor_worse():
    stop = EarlyStop("fd_ratio", 2)
    looks = [stop.look(1, {"fd_ratio": 3.0}), *(stop.look(epoch, {"g_loss": 1.0}) for epoch in range(2, 9))]
    assert looks == [True] + [False] * 7
    assert (stop.waited, stop.reason) == (0, None)
    assert stop.look(9, {"fd_ratio": 2.0})


def test_measuring_is_left_out_of_an_epochs_seconds():
    clock = EpochClock()
    clock.restore(0, [], 100.0, (40.0, 0))
    clock.leave_out(25.0)
    assert clock.lap(10).seconds == pytest.approx(35.0, abs=1.0)
