"""Not-a-number: back once to the step before it, and on with other draws; then the job has diverged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from models import wire
from trainers import data
from trainers.assembly import assemble
from trainers.data.rng import Draws
from trainers.loop import checkpoints
from trainers.loop.job_state import JobState
from trainers.loop.loop import Loop
from trainers.methods import Iteration
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


def test_a_spoiled_training_goes_back_to_the_step_before_and_ends_well(make_spec):
    reporter = Poison(13)
    loop = run(make_spec(epochs=3, checkpoint_every={"steps": 5}), reporter)
    [alert] = reporter.of("alert")
    assert (alert["code"], alert["step"], alert["back_to"]) == ("not_a_number", 14, 13)
    assert alert["params"]["g_loss"] is None
    assert loop.job.step == 30
    assert loop.job.feed.draws.salt == 1
    assert all(value.isfinite().all() for value in loop.job.method.networks["generator"].state_dict().values())
    steps = [step for message in reporter.of("metric") for step in message["steps"]]
    assert steps == [*range(1, 15), *range(14, 31)]
    json.dumps(reporter.messages, allow_nan=False)


def test_without_a_checkpoint_it_repeats_the_steps_from_where_the_attempt_began(make_spec):
    reporter = Poison(3)
    loop = run(make_spec(epochs=1), reporter)
    assert reporter.of("alert")[0]["back_to"] == 3
    assert loop.job.step == 10


def test_checkpoints_at_other_times_change_nothing_about_going_back(make_spec):
    """As on machines of other speeds, where the clock takes checkpoints at other steps."""

    def end(every, *poisoned):
        reporter = Poison(*poisoned)
        line = make_spec(epochs=3, checkpoint_every={"steps": every}, grid_every={"steps": 2})
        loop = run(line, reporter)
        snapshot = loop.snapshot()
        # Only seconds may differ.
        of_seconds = {"seconds": 0.0, "epoch_began": [], "params": {}}
        tensors = {name: value.tolist() for name, value in snapshot.tensors.items() if name != "epoch_seconds"}
        told = {
            (message["type"], message["step"]): message.get("means")
            for kind in ("epoch", "alert")
            for message in reporter.of(kind)
        }
        steps = [step for message in reporter.of("metric") for step in message["steps"]]
        return tensors, {**snapshot.meta, **of_seconds}, told, steps

    often = end(4, 13)
    assert end(1000, 13) == often
    assert end(13, 13) == often
    assert end(1000)[0] != often[0]


def test_a_weight_that_its_step_has_spoilt_is_not_gone_back_to(make_spec):
    """Step 7 spoils it, and the metrics of step 8 show it: without a checkpoint after 7 nobody looks before."""

    class Update(Poison):
        """Has step 7 spoil a weight, whenever it is done with the first draws."""

        def should_stop(self) -> bool:
            assert self.loop is not None
            if not self.steps:
                self.steps = [7]
                self.loop.job.method.step = self.spoiling(self.loop.job)  # type: ignore[method-assign]
            return False

        def spoiling(self, job: JobState) -> Callable[[Iteration], torch.Tensor]:
            step = job.method.step

            def spoil(iteration: Iteration) -> torch.Tensor:
                row = step(iteration)
                if job.step == 6 and job.feed.draws.salt == 0:
                    with torch.no_grad():
                        next(job.method.networks["generator"].parameters())[0] = torch.nan
                return row

            return spoil

    ends = []
    for every in (1, 1000):
        reporter = Update()
        loop = run(make_spec(epochs=1, checkpoint_every={"steps": every}), reporter)
        assert reporter.of("alert")[-1]["back_to"] == 6
        ends.append(
            {name: value.tolist() for name, value in loop.job.method.networks["generator"].state_dict().items()}
        )
    assert ends[0] == ends[1]


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
