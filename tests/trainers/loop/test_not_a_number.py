"""Not-a-number: back once to the last good checkpoint with other draws, then the job has diverged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from models import wire
from trainers import data
from trainers.assembly import assemble
from trainers.data.rng import Draws
from trainers.loop import checkpoints
from trainers.loop.loop import Loop
from trainers.outputs import GridWriter
from trainers.process.errors import DivergedError
from trainers.process.reporter import ListReporter
from trainers.process.spec import TrainSpec, parse


class Poison(ListReporter):
    """Spoils a weight of the generator before given steps, as a cosmic ray or a bad kernel would."""

    def __init__(self, *steps: int) -> None:
        super().__init__()
        self.steps = list(steps)
        self.loop: Loop | None = None

    def should_stop(self) -> bool:
        assert self.loop is not None
        if self.steps and self.loop.job.step == self.steps[0]:
            self.steps.pop(0)
            with torch.no_grad():
                next(self.loop.job.method.networks["generator"].parameters())[0] = torch.nan
        return False


def run(line: dict[str, Any], reporter: Poison) -> Loop:
    spec = parse(json.dumps(line))
    assert isinstance(spec, TrainSpec)
    draws = Draws(spec.seed, 0, torch.device("cpu"))
    method, gallery = assemble(spec, data.load(spec.dataset, spec.data_roots, spec.cache, 28), draws)
    loop = Loop(spec, method, GridWriter(gallery, reporter, spec.scratch), reporter)
    reporter.loop = loop
    loop.run()
    return loop


def test_a_spoiled_training_goes_back_to_its_last_checkpoint_and_ends_well(make_spec):
    reporter = Poison(13)
    loop = run(make_spec(epochs=3, checkpoint_every={"steps": 5}), reporter)
    [alert] = reporter.of("alert")
    assert (alert["code"], alert["step"], alert["back_to"]) == ("not_a_number", 14, 10)
    assert alert["params"]["g_loss"] is None
    assert loop.job.step == 30
    assert loop.job.feed.draws.salt == 1
    assert all(value.isfinite().all() for value in loop.job.method.networks["generator"].state_dict().values())
    steps = [step for message in reporter.of("metric") for step in message["steps"]]
    assert steps == [*range(1, 15), *range(11, 31)]
    json.dumps(reporter.messages, allow_nan=False)


def test_without_a_checkpoint_it_goes_back_to_where_the_attempt_began(make_spec):
    reporter = Poison(3)
    run(make_spec(epochs=1), reporter)
    assert reporter.of("alert")[0]["back_to"] == 0


def test_other_draws_follow_so_that_the_same_accident_need_not_happen_again(make_spec):
    first, second = Poison(3), Poison()
    went_back, undisturbed = run(make_spec(epochs=1), first), run(make_spec(epochs=1), second)
    a, b = (next(loop.job.method.networks["generator"].parameters()) for loop in (went_back, undisturbed))
    assert not torch.equal(a, b)


class PoisonAfter(Poison):
    """Spoils a weight when the grid of a step is out: after its metrics were made, before its checkpoint."""

    def should_stop(self) -> bool:
        return False

    def send(self, message: wire.FromTrainer) -> None:
        super().send(message)
        grid = isinstance(message, wire.File) and message.kind == "grid"
        if self.steps and grid and message.step == self.steps[0]:
            self.steps.pop(0)
            assert self.loop is not None
            with torch.no_grad():
                next(self.loop.job.method.networks["generator"].parameters())[0] = torch.nan


def test_no_checkpoint_holds_a_spoiled_weight(make_spec):
    reporter = PoisonAfter(5)
    run(make_spec(epochs=1, checkpoint_every={"steps": 1}, grid_every={"steps": 1}), reporter)
    assert [(alert["step"], alert["back_to"]) for alert in reporter.of("alert")] == [(5, 4)]
    files = [message for message in reporter.of("file") if message["kind"] == "checkpoint"]
    assert [message["step"] for message in files] == list(range(1, 11))
    for message in files:
        tensors = checkpoints.read(Path(message["path"])).tensors
        assert all(value.isfinite().all() for value in tensors.values())


def test_a_second_time_is_the_end_and_tells_the_numbers(make_spec):
    reporter = Poison(3, 7)
    with pytest.raises(DivergedError, match=r"at step 8 .*g_loss=None.*lower the learning rate"):
        run(make_spec(epochs=1, checkpoint_every={"steps": 1}), reporter)


def test_images_beyond_every_number_diverge_at_once_and_leave_the_first_files(make_spec):
    from tests.trainers.attempts import Attempt

    line = make_spec(normalize_std=1e-300)
    with pytest.raises(DivergedError, match="at step 1"):
        Attempt.run(json.dumps(line))
    assert (Path(line["scratch"]) / "summary.json").is_file()


def test_a_resumed_training_remembers_that_it_went_back(make_spec):
    reporter = Poison(3)
    loop = run(make_spec(epochs=1), reporter)
    snapshot = loop.snapshot()
    assert snapshot.meta["salt"] == 1
    assert snapshot.meta["alerts"] == ["not_a_number"]
