"""Going back after an accident: to the step before it, and on from there with other random draws or half the batch.

Which checkpoint is the last one depends on the clock. So that a run with the same seed ends with the same weights on a
fast and on a slow machine, the steps from there up to the accident are repeated, with the draws and the batch that they
had: other draws, or half the batch, begin with the step that failed, wherever the last checkpoint was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, NamedTuple

import torch

from models.messages import Alerts, Failures
from trainers.device import devices
from trainers.loop import method_tensors
from trainers.loop.step_metrics import NotANumberError
from trainers.process.errors import DivergedError, OutOfMemoryError
from trainers.process.reporter import Reporter

if TYPE_CHECKING:
    from models.wire import FromTrainer, Phase
    from trainers.loop.checkpoint_writer import CheckpointWriter
    from trainers.loop.checkpoints import Snapshot
    from trainers.loop.job_state import JobState

# How often a job goes back because of alarms: with other draws a training may go well, but not with any number of them.
MOST_RETURNS = 3


class ToldOnce(Reporter):
    """Passes messages on, except while steps are repeated that were told before."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self.silent = False

    def send(self, message: FromTrainer) -> None:
        """Pass on a message that is new."""
        if not self.silent:
            self._reporter.send(message)

    def alive(self, phase: Phase, step: int | None = None) -> None:
        """Pass on that the work gets on, also while steps are repeated."""
        self._reporter.alive(phase, step)

    def should_stop(self) -> bool:
        """Tell whether somebody asked for the end of this attempt."""
        return self._reporter.should_stop()


class Repeat(NamedTuple):
    """Steps that are done again."""

    first: int  # the step of the checkpoint
    last: int  # the step before the accident
    cure: Callable[[], None]  # what to change then


class Recovery:
    """Puts a job back to the step before an accident, and changes what led to it."""

    def __init__(self, job: JobState, writer: CheckpointWriter, reporter: Reporter, told_once: ToldOnce) -> None:
        self.job = job
        self.writer = writer
        self.reporter = reporter
        self._told_once = told_once
        self._repeat: Repeat | None = None

    @property
    def repeating(self) -> bool:
        """Whether the next step is one that was done before."""
        return self._repeat is not None

    def from_not_a_number(self, bad: NotANumberError) -> None:
        """Go back once, and on with other random draws: the same ones might lead to the same accident.

        Raises:
            DivergedError: it happened before, or there is nothing to go back to.
        """
        # 1. What to go back to. A checkpoint may still be on its way to the disk.
        last = self.writer.drain()
        # A salt beyond what alarms have made of it means that this job has gone back before, possibly in another
        # attempt.
        if self.job.feed.draws.salt > self.job.alarms.returns or last is None:
            numbers = ", ".join(f"{name}={value}" for name, value in bad.values.items())
            diverged = Failures.metric_diverged if bad.values else Failures.weight_diverged
            raise DivergedError(diverged(step=bad.step, numbers=numbers or "weights"))
        # 2. Say so, with the numbers, before the step count jumps back.
        step = max(bad.step - 1, last.meta["step"])
        alert = Alerts.metric_not_a_number if bad.values else Alerts.weight_not_a_number
        self.reporter.alert("not_a_number", alert(step=bad.step, back=step), bad.step, bad.values, back_to=step)
        # 3. Go back.
        self._go_back(last, step, self._draw_otherwise)

    def from_out_of_memory(self, words: str, step: int) -> None:
        """Go back to ``step``, after which memory ran out, and on with half the batch.

        ``words`` are what the allocator said.

        Raises:
            OutOfMemoryError: there is nothing left to halve.
        """
        # 1. What to go back to, and whether half the batch is still a batch.
        last = self.writer.drain()
        size, half = self.job.feed.batch_size, self.job.feed.batch_size // 2
        if last is None or half < self._smallest_batch():
            raise OutOfMemoryError(Failures.out_of_memory_at_the_smallest(size=size, words=words))
        # 2. Go back, with what the failed step had allocated in one piece again. Where memory ran out in a step that
        #    was repeated, there is less of it than before, and no use in trying that again.
        self.job.method.graphs.forget()
        devices.give_back(self.job.feed.draws.device)
        reached = last.meta["step"]
        self._go_back(last, reached if self.repeating else max(step, reached), self._halve)

    def from_alarm(self) -> int | None:
        """Go back to where nothing was wrong, and on with other random draws; return that step.

        It is the same step whenever the last checkpoint was written. None: there is no such step, or the job has gone
        back often enough.
        """
        job, good = self.job, self.job.good
        if good is None or job.alarms.returns >= MOST_RETURNS:
            return None
        # 1. What counts all the same: the seconds, the alarms, and how often the job has gone back.
        self.writer.drain()
        seconds, codes, returns = job.clock.seconds, job.alarms.codes, job.alarms.returns
        job.restore(good, job.feed.draws.salt + 1)
        job.clock.go_on_from(seconds)
        job.alarms.codes, job.alarms.returns = codes, returns + 1
        job.good = good
        # 2. From here on the run differs. Whatever goes wrong next goes back to here.
        self.writer.last = job.snapshot(self.writer.spare())
        return job.step

    def arrive(self) -> None:
        """Before each step: end a repetition that has reached its last step, and change what led to the accident.

        Raises:
            NotANumberError: a weight was spoilt by this very step, before its metrics showed it.
        """
        job, repeat = self.job, self._repeat
        if repeat is None or job.step < repeat.last:
            return
        # 1. All that was repeated was told before.
        job.metrics.read()
        job.metrics.discard()
        # What was restored and not trained since is as good as it gets: there is nothing before it.
        if job.step > repeat.first and not method_tensors.all_finite(job.method):
            raise NotANumberError(job.step, {})
        self._repeat = None
        self._told_once.silent = False
        # 2. From here on the run differs. Whatever goes wrong next goes back to here.
        repeat.cure()
        self.writer.last = job.snapshot(self.writer.spare())

    def _go_back(self, last: Snapshot, step: int, cure: Callable[[], None]) -> None:
        # The checkpoint does not know the seconds since it was taken, and they count all the same.
        seconds = self.job.clock.seconds
        self.job.restore(last)
        self.job.clock.go_on_from(seconds)
        self._repeat = Repeat(last.meta["step"], step, cure)
        self._told_once.silent = True

    def _draw_otherwise(self) -> None:
        feed = self.job.feed
        feed.restore(feed.state(), feed.draws.salt + 1)
        self.job.alarms.codes.append("not_a_number")

    def _halve(self) -> None:
        """Halve the batch, keep it for the report and for checkpoints to come, and say so."""
        job = self.job
        size, half, seen = job.feed.batch_size, job.feed.batch_size // 2, job.feed.sampler.seen
        # What was recorded while the steps were repeated has the whole batch's memory.
        job.method.graphs.forget()
        job.feed.halve()
        # The rest of the budget takes twice as many steps. The data go on after the same image: their position is
        # counted in images.
        job.budget.plan(job.step)
        job.halvings.append({"step": job.step, "from": size, "to": half})
        job.alarms.codes.append("batch_halved")
        message = Alerts.batch_halved(size=size, step=job.step, half=half)
        self.reporter.alert("batch_halved", message, job.step, {"batch_size": half, "images": seen}, back_to=job.step)

    def _smallest_batch(self) -> int:
        """Return the fewest images that a step can use: batch normalisation needs two to average."""
        normalised = any(
            isinstance(module, torch.nn.modules.batchnorm._BatchNorm)
            for network in self.job.method.networks.values()
            for module in network.modules()
        )
        return 2 if normalised else 1
