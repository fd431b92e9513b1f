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

    A machine that disappears costs a minute at most, and an epoch of a tenth of a second costs no flood of files.
    """

    soonest_s = 5.0
    latest_s = 60.0

    def __init__(self, now: float) -> None:
        self.last = now

    def due(self, step: int, epoch: int | None, now: float) -> bool:  # noqa: ARG002 - the same question as to Every
        """Tell whether it is time."""
        if now - self.last >= (self.latest_s if epoch is None else self.soonest_s):
            self.last = now
            return True
        return False
