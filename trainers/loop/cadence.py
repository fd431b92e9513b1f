"""When something is due: every n steps, every n epochs, or every n seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from models.specs.base import Cadence, TrainParams


class Every:
    """A cadence that the user chose. It is asked once after each step.

    Time never decides anything that the weights depend on: a resumed run must end with the same weights.
    """

    def __init__(self, cadence: Cadence, now: float) -> None:
        # The spec holds only the unit that was given.
        given = vars(cadence)
        self.steps: int | None = given.get("steps")
        self.epochs: int | None = given.get("epochs")
        self.seconds: float | None = given.get("seconds")
        self.last = now

    def weigh(self, size: int) -> None:
        """Ignore the size of a checkpoint: the user has chosen."""

    def due(self, step: int, epoch: int | None, now: float) -> bool:
        """Return whether it is time. ``epoch`` is the one that ended with this step, or None; ``now`` is in seconds."""
        if self.steps is not None:
            return step % self.steps == 0
        if self.epochs is not None:
            return epoch is not None and epoch % self.epochs == 0
        if self.seconds is not None and now - self.last >= self.seconds:
            self.last = now
            return True
        return False


class CheckpointDefault:
    """At the end of each epoch, but not more often than every 5 s, and at least every 60 s.

    A machine that disappears costs at most a minute of training, and short epochs do not flood the disk with files.
    Large checkpoints come less often: writing, hashing and storing 24 MB takes two cores about 0.3 s, so that one every
    40 s costs less than 1 % of the training time, where one every 5 s would cost 6 %.
    """

    soonest_s = 5.0
    latest_s = 60.0
    bytes_a_second = 600_000

    def __init__(self, now: float) -> None:
        self.last = now

    def weigh(self, size: int) -> None:
        """Take the size of a checkpoint in bytes into account from now on."""
        self.soonest_s = min(self.latest_s, max(CheckpointDefault.soonest_s, size / self.bytes_a_second))

    def due(self, step: int, epoch: int | None, now: float) -> bool:  # noqa: ARG002 - the same question as to Every
        """Return whether it is time. ``epoch`` is the one that ended with this step, or None; ``now`` is in seconds."""
        if now - self.last >= (self.latest_s if epoch is None else self.soonest_s):
            self.last = now
            return True
        return False


class Due(NamedTuple):
    """What is to be done after a step."""

    record: bool  # keep its metrics as a point of the curves
    grid: bool
    checkpoint: bool


class Cadences:
    """The three cadences of a job: metrics, grids and checkpoints."""

    def __init__(self, params: TrainParams, now: float) -> None:
        self._metrics = Every(params.metrics_every, now)
        self._grid = Every(params.grid_every, now)
        chosen = params.checkpoint_every
        self._checkpoint = Every(chosen, now) if chosen else CheckpointDefault(now)

    def due(self, step: int, epoch: int | None, now: float) -> Due:
        """Return what is due after this step. ``epoch`` is the one that ended with it, or None."""
        return Due(
            # The first step is always recorded, so that the dashboard shows at once that the job trains.
            record=self._metrics.due(step, epoch, now) or step == 1,
            grid=self._grid.due(step, epoch, now),
            checkpoint=self._checkpoint.due(step, epoch, now),
        )

    def weigh_checkpoint(self, size: int) -> None:
        """Let the default cadence know the size of the job's checkpoints, in bytes."""
        self._checkpoint.weigh(size)
