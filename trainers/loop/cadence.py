"""When something is due: every n steps, every n epochs, or every n seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.specs.base import Cadence


class Every:
    """Asked once after each step. Time never decides anything that the weights depend on."""

    def __init__(self, cadence: Cadence, now: float) -> None:
        # Only the unit that was given stands in the spec.
        self.steps: int | None = getattr(cadence, "steps", None)
        self.epochs: int | None = getattr(cadence, "epochs", None)
        self.seconds: float | None = getattr(cadence, "seconds", None)
        self.last = now

    def weigh(self, size: int) -> None:
        """Change nothing: the person has chosen."""

    def due(self, step: int, epoch: int | None, now: float) -> bool:
        """Tell whether it is time. ``epoch`` is the one that ended with this step, or None; ``now`` is in seconds."""
        if self.steps is not None:
            return step % self.steps == 0
        if self.epochs is not None:
            return epoch is not None and epoch % self.epochs == 0
        if self.seconds is not None and now - self.last >= self.seconds:
            self.last = now
            return True
        return False


class CheckpointDefault:
    """At the end of each epoch but not more often than every 5 s, and at least every 60 s.

    A machine that disappears costs a minute at most, and an epoch of a tenth of a second costs no flood of files. Large
    checkpoints come less often: writing, hashing and storing 24 MB takes two cores about 0.3 s of training, so that one
    every 40 s costs less than 1 % of the time where one every 5 s would cost 6 %.
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
        """Tell whether it is time."""
        if now - self.last >= (self.latest_s if epoch is None else self.soonest_s):
            self.last = now
            return True
        return False
