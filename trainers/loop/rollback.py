"""Going back to the last checkpoint: once with other random draws, or with half the batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from models.messages import Alerts, Failures
from trainers.device import devices
from trainers.process.errors import DivergedError, OutOfMemoryError

if TYPE_CHECKING:
    from trainers.loop.checkpoint_writer import CheckpointWriter
    from trainers.loop.job_state import JobState
    from trainers.loop.step_metrics import NotANumberError
    from trainers.process.reporter import Reporter


class Recovery:
    """Puts a job back to its last checkpoint after numbers went wrong, or after memory ran out."""

    def __init__(self, job: JobState, writer: CheckpointWriter, reporter: Reporter) -> None:
        self.job = job
        self.writer = writer
        self.reporter = reporter

    def from_not_a_number(self, bad: NotANumberError) -> None:
        """Go back once, with other random draws: the same ones might lead to the same accident.

        Raises:
            DivergedError: it happened before, or there is nothing to go back to.
        """
        job = self.job
        # 1. What to go back to. A checkpoint may still be on its way to the disk.
        last = self.writer.drain()
        salt = job.feed.draws.salt
        # A salt above zero means that this job has gone back before, possibly in another attempt.
        if salt > 0 or last is None:
            numbers = ", ".join(f"{name}={value}" for name, value in bad.values.items())
            diverged = Failures.metric_diverged if bad.values else Failures.weight_diverged
            raise DivergedError(diverged(step=bad.step, numbers=numbers or "weights"))
        # 2. Say so, with the numbers, before the step count jumps back.
        step = last.meta["step"]
        alert = Alerts.metric_not_a_number if bad.values else Alerts.weight_not_a_number
        self.reporter.alert("not_a_number", alert(step=bad.step, back=step), bad.step, bad.values, back_to=step)
        # 3. Go back. The checkpoint knows neither this alarm nor the seconds since it was taken: both are kept.
        seconds = job.clock.seconds
        job.restore(last, salt=salt + 1)
        job.alarms.codes.append("not_a_number")
        job.clock.go_on_from(seconds)

    def from_out_of_memory(self, words: str) -> None:
        """Go back and continue with half the batch. ``words`` are what the allocator said.

        Raises:
            OutOfMemoryError: there is nothing left to halve.
        """
        job = self.job
        # 1. What to go back to, and whether half the batch is still a batch.
        last = self.writer.drain()
        size, half = job.feed.batch_size, job.feed.batch_size // 2
        if last is None or half < self._smallest_batch():
            raise OutOfMemoryError(Failures.out_of_memory_at_the_smallest(size=size, words=words))
        # 2. Go back, with what the failed step had allocated in one piece again, and plan the rest of the budget anew:
        #    it takes twice as many steps. The data go on after the same image: their position is counted in images.
        job.method.graphs.forget()
        devices.give_back(job.feed.draws.device)
        seconds = job.clock.seconds
        job.restore(last)
        job.feed.halve()
        job.budget.plan(job.step)
        job.clock.go_on_from(seconds)
        # 3. Keep it for the report and for checkpoints to come, and say so.
        step = last.meta["step"]
        job.halvings.append({"step": step, "from": size, "to": half})
        job.alarms.codes.append("batch_halved")
        message = Alerts.batch_halved(size=size, step=step, half=half)
        seen = job.feed.sampler.seen
        self.reporter.alert("batch_halved", message, job.step, {"batch_size": half, "images": seen}, back_to=step)
        # 4. Whatever goes wrong next goes back to here, with the batch that was found to fit.
        self.writer.last = job.snapshot(self.writer.spare())

    def _smallest_batch(self) -> int:
        """Return the fewest images that a step can use: batch normalisation needs two to average."""
        normalised = any(
            isinstance(module, torch.nn.modules.batchnorm._BatchNorm)
            for network in self.job.method.networks.values()
            for module in network.modules()
        )
        return 2 if normalised else 1
