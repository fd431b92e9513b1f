"""The training loop that all recipes share: steps, metrics, grids, checkpoints, and going back when something fails."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from models.messages import Logs
from trainers.device import devices
from trainers.loop import method_tensors, reactions
from trainers.loop.alarms import NONE, STOP
from trainers.loop.cadence import Cadences
from trainers.loop.checkpoint_writer import CheckpointWriter
from trainers.loop.data_wait import DataWait
from trainers.loop.job_state import JobState
from trainers.loop.quality import Moment
from trainers.loop.rollback import Recovery, ToldOnce
from trainers.loop.step_metrics import NotANumberError, rounded
from trainers.process.errors import out_of_memory

if TYPE_CHECKING:
    from models.wire import Progress
    from trainers.loop.alarms import Raised
    from trainers.loop.checkpoints import Snapshot
    from trainers.loop.ground import Ground
    from trainers.loop.quality import Judge
    from trainers.methods import Method
    from trainers.process.reporter import Reporter
    from trainers.process.spec import TrainSpec


class Grids(Protocol):
    """Writes the pictures that show how far a training is. Drawing them never changes it (trainers/outputs)."""

    drawn_at: int | None  # the step of the last grid

    def real(self) -> None:
        """Write the grid of real images."""

    def draw(self, step: int, epoch: int) -> float | None:
        """Write the grid of this step; return the spread of its translations, if it has any."""


class Loop:
    """One attempt at a training job: what has been reached is in ``job``, the rest belongs to the attempt."""

    def __init__(
        self,
        spec: TrainSpec,
        method: Method,
        grids: Grids,
        reporter: Reporter,
        ground: Ground | None = None,
        judge: Judge | None = None,
    ) -> None:
        self.spec = spec
        # Steps that are repeated after an accident are told once. Files are always handed over.
        self.reporter = ToldOnce(reporter)
        self.job = JobState(spec, method, self.reporter, ground, judge)
        self.cadences = Cadences(spec.params, time.monotonic())
        self.data_wait = DataWait(method.feed)
        self.grids = grids
        self.writer = CheckpointWriter(spec.scratch, reporter)
        self.recovery = Recovery(self.job, self.writer, reporter, self.reporter)
        self.device_name = devices.name(method.feed.draws.device)
        self._reported_step: int | None = None  # the step of the last progress that was sent
        self._saved_step: int | None = None  # the step of the last checkpoint
        self._ends_best = False  # whether an alarm ends the attempt with the best step so far
        self.paused_by: str | None = None  # the code of the alarm that pauses the job
        self._begun_at = 0  # the step after which the step in hand, or the last one, was begun
        self._first_step = True  # of this attempt: kernels are chosen, and graphs recorded, on the way

    def restore(self, snapshot: Snapshot) -> None:
        """Continue from a checkpoint. Its tensors are then given up: what is copied next is written over them.

        Raises:
            CheckpointCorruptError: it is incomplete, or belongs to other networks.
        """
        self.job.restore(snapshot)
        self.writer.last = snapshot

    def run(self) -> bool:
        """Train to the end of the budget; return False if asked to stop before.

        Either way a checkpoint of the last step is among the files.

        Raises:
            DivergedError: numbers went wrong a second time.
            OutOfMemoryError: the batch cannot be halved any more.
        """
        self.job.clock.start()
        self.data_wait.start()
        # Until something else is known to be good, alarms go back to the start of the job.
        if self.job.step == 0 and reactions.GO_BACK in self.job.alarms.actions.values():
            self.job.note_good()
        # Until the first checkpoint is due, going back means going back to the start of this attempt.
        self.writer.last = self.snapshot()
        finished = self._train_or_go_back()
        while finished is None:
            finished = self._train_or_go_back()
        # The last checkpoint is still being written beside the training; an error of it ends the attempt.
        self.reporter.alive("saving", self.job.step)
        self.writer.finish()
        return finished

    def _train_or_go_back(self) -> bool | None:
        """Return whether the budget was used up, or None after going back."""
        try:
            finished = self._train()
            self._checkpoint(best=self._ends_best)
            if finished:
                self._tell_the_rest()
            if self._reported_step != self.job.step:
                self.reporter.progress(self._progress())
        except NotANumberError as bad:
            self.recovery.from_not_a_number(bad)
            self._saved_step = None
            return None
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            words = " ".join(str(error).split())[:200]
        else:
            return finished
        # After the handler, so that the exception no longer keeps alive what the failed step had allocated.
        try:
            # The steps before it are told now: they will be repeated in silence.
            self._read_metrics()
            self._send_metrics()
        except NotANumberError as bad:
            self.recovery.from_not_a_number(bad)
        else:
            self.recovery.from_out_of_memory(words, self._begun_at)
        self._saved_step = None
        return None

    def _train(self) -> bool:
        """Do one step after the other; return False if asked to stop before the end of the budget."""
        job, limit = self.job, self.spec.stop_after_s
        while not job.budget.used and job.ended is None:
            self.recovery.arrive()
            if self.paused_by is not None:
                return False
            # Asked between steps only: a step that has begun is finished, so that it never has to be undone.
            if self.reporter.should_stop() or (limit is not None and job.clock.attempt_seconds >= limit):
                return False
            self._one_step()
        return True

    def _one_step(self) -> None:
        job, metrics = self.job, self.job.metrics
        sampler = job.feed.sampler
        self._begun_at, seen_before = job.step, sampler.seen
        self.reporter.alive("compiling" if self._first_step else "training", job.step)
        self._first_step = False

        # 1. Train. The method draws real batches [N, C, H, W] from its feed, does the steps of the discriminator and of
        #    the generator, and updates the moving averages. It returns one row of metrics, still on the device.
        row = job.method.step(job.budget.iteration(job.step))
        job.step += 1
        now = time.monotonic()

        # 2. Did an epoch end with this step, and what is due after it? With several batches in one step more than one
        #    epoch may have ended; they count as one here.
        done = job.budget.epochs_done
        epoch = done if done > job.clock.epochs_done else None
        due = self.cadences.due(job.step, epoch, now)

        # 3. Metrics. Reading them waits for the device, so they are read twice a second, when the ring is full, and
        #    at the end of an epoch, whose means need all of them.
        metrics.add(row, job.step, sampler.seen, recorded=due.record)
        if epoch is not None or metrics.full or metrics.due(now):
            self._read_metrics()
            if metrics.due(now):
                self._send_metrics()

        # 4. The quality of the images, where it is due: it may say that these are the best weights so far.
        best = self._judge(epoch, now)

        # 5. The end of an epoch: means, evaluation, and whether it is the best one so far.
        if epoch is not None:
            best = self._end_epoch(epoch) or best

        # 6. A grid, always of the same noise or images, and a look at the generator. The look stays on the device until
        #    the metrics are read.
        if due.grid:
            self.reporter.alive("sampling", job.step)
            job.alarms.grid(job.step, sampler.seen, self.grids.draw(job.step, job.epoch))
        looking = job.looks.due(seen_before, sampler.seen)
        if looking:
            job.looks.take(job.step)

        # 7. What follows from alarms, for jobs that ask for it: it may end here, or go on from an earlier step.
        if job.alarms.actions and (looking or reactions.due(seen_before, sampler.seen)) and self._react(looking):
            self._ends_best = best and self.job.step == self._begun_at + 1
            return

        # 8. A checkpoint: copied here, written by another thread while training goes on. None while steps are repeated:
        #    from it the repetition would not be known.
        if (due.checkpoint or best) and not self.recovery.repeating:
            self._checkpoint(best=best)

    def _react(self, looked: bool) -> bool:
        """Act on the alarms since the last time; return whether the job went back or ends with this step."""
        job = self.job
        self._read_metrics()
        decision = reactions.decide(job.alarms.pending, job.alarms.actions)
        if decision is None:
            if looked and job.alarms.calm and reactions.GO_BACK in job.alarms.actions.values():
                job.note_good()
            return False
        raised, action, others = decision
        job.alarms.pending = []
        # What was recorded up to here is told before the step count jumps back.
        self._send_metrics()
        for other in others:
            job.alarms.tell(other, NONE)
        if action == reactions.GO_BACK:
            return self._go_back(raised)
        job.alarms.tell(raised, action)
        if action == STOP:
            job.alarms.ended = raised.code
        else:
            self.paused_by = raised.code
        return True

    def _tell_the_rest(self) -> None:
        """Report the alarms that came too late to act on: the training has ended anyway."""
        for raised in self.job.alarms.pending:
            self.job.alarms.tell(raised, NONE)
        self.job.alarms.pending = []

    def _go_back(self, raised: Raised) -> bool:
        """Go back to before an alarm; return whether that was possible."""
        back_to = self.recovery.from_alarm()
        if back_to is None:
            self.job.alarms.tell(raised, NONE)
            self.reporter.log("warning", Logs.nothing_to_go_back_to(alarm=raised.code, times=self.job.alarms.returns))
            return False
        self._saved_step = None
        self.job.alarms.tell(raised, reactions.GO_BACK, back_to)
        return True

    def _read_metrics(self) -> None:
        """Read the metrics of all steps since the last time."""
        try:
            self.job.metrics.read()
        except NotANumberError:
            # People should see the step that went wrong before the attempt goes back.
            self._send_metrics()
            raise

    def _send_metrics(self) -> None:
        """Send the recorded steps, if there are any, with the progress and now and then the wait for data."""
        if not self.job.metrics.nothing_to_send:
            self.job.metrics.send(self.job.epoch, self._progress(), self.data_wait.pct(last=self.job.budget.used))

    def _progress(self) -> Progress:
        """Return how far the training is, and note that it was reported."""
        self._reported_step = self.job.step
        return self.job.budget.progress(self.job.step)

    def _judge(self, epoch: int | None, now: float) -> bool:
        """Measure the quality of the images if it is due; return whether it is the best so far."""
        job, repeating = self.job, self.recovery.repeating
        fraction = job.budget.progress(job.step).fraction
        moment = Moment(job.step, epoch, now, job.clock.seconds, fraction, job.budget.used)
        if not job.quality.due(moment, repeating=repeating):
            return False
        # What the steps before it have come to is waited for first, so that only the measurement is counted as one.
        self._read_metrics()
        self.reporter.alive("evaluating", job.step)
        began = time.monotonic()
        figures = job.quality.measure(job.step, repeating=repeating)
        self._tell(job.epoch, figures)
        job.clock.leave_out(time.monotonic() - began)
        best = job.stop.look(job.epoch, figures)
        if "fd_ratio" in figures:
            # The service keeps the ratio of the best weights; where these go by something else, the last one.
            ratio = job.stop.best if job.stop.monitor == "fd_ratio" else figures["fd_ratio"]
            self.reporter.quality(float(f"{ratio:.6g}"), job.quality.extractor)
        return best

    def _tell(self, epoch: int, figures: dict[str, float]) -> None:
        """Send what was measured after this step."""
        if figures:
            # Steps come first: what was measured behind them belongs behind them.
            self._send_metrics()
            values = {name: [rounded(value)] for name, value in figures.items()}
            self.reporter.metric(epoch, [self.job.step], values, self._progress())

    def _end_epoch(self, epoch: int) -> bool:
        """Report the epoch that ended; return whether it is the best so far."""
        job, sampler = self.job, self.job.feed.sampler
        means = job.metrics.end_epoch()
        # Evaluation is left out of an epoch's seconds, so that devices can be compared by their training alone.
        lap = job.clock.lap(sampler.seen)
        self.reporter.alive("evaluating", job.step)
        evaluated = job.method.end_epoch()
        self._tell(epoch, evaluated)
        means.update(evaluated)
        # What the images were measured to be has been told, and looked at, when it was measured.
        best = job.stop.look(epoch, means)
        means.update(job.quality.end_epoch())
        job.clock.begin_epoch(epoch, sampler.seen, lap)
        six_digits = {name: float(f"{value:.6g}") for name, value in means.items()}
        rate = lap.images / max(lap.seconds, 1e-9)
        self.reporter.epoch(epoch, self._progress(), lap.seconds, rate, self.device_name, six_digits)
        return best

    def _checkpoint(self, *, best: bool) -> None:
        """Take a checkpoint of this step, unless there is one already.

        Raises:
            NotANumberError: a metric or a weight is not a number; no checkpoint may hold one.
        """
        if self._saved_step == self.job.step:
            return
        self._read_metrics()
        # Waits for the checkpoint before, which another thread writes: a disk that does not answer is noticed here.
        self.reporter.alive("saving", self.job.step)
        if not method_tensors.all_finite(self.job.method):
            raise NotANumberError(self.job.step, {})
        # All steps up to the checkpoint are sent before it: an attempt that resumes from it sends those after it.
        self._send_metrics()
        snapshot = self.snapshot()
        size = sum(value.numel() * value.element_size() for value in snapshot.tensors.values())
        self.cadences.weigh_checkpoint(size)
        self.writer.submit(snapshot, best=best)
        self._saved_step = self.job.step

    def snapshot(self) -> Snapshot:
        """Copy everything that changes to the host, over the snapshot before."""
        return self.job.snapshot(self.writer.spare())
