"""Early stopping: which epoch was best by the monitored metric, and when to stop waiting for a better one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Mapping

from models.messages import Logs, Message

if TYPE_CHECKING:
    from trainers.loop.checkpoints import StopState

# Of all other metrics lower is better: they are losses, or distances from real images.
HIGHER_IS_BETTER = frozenset({"accuracy", "coverage"})


class EarlyStop:
    """Looks at one metric, epoch by epoch. Without a monitor no epoch is best and nothing stops early."""

    def __init__(self, monitor: str | None, patience: int | None) -> None:
        self.monitor = monitor
        self.patience = patience
        self.best: float | None = None
        self.best_epoch = 0
        self.waited = 0

    def look(self, epoch: int, values: Mapping[str, float]) -> bool:
        """Account for what was measured in an epoch; return whether it is the best so far.

        Values without the monitor are neither better nor worse: it is not measured in every epoch.
        """
        value = values.get(self.monitor) if self.monitor is not None else None
        if value is None:
            return False
        # Turned so that lower is better. Equal is not better: a training that stands still should stop.
        sign = -1 if self.monitor in HIGHER_IS_BETTER else 1
        if self.best is None or sign * value < sign * self.best:
            self.best, self.best_epoch, self.waited = value, epoch, 0
            return True
        self.waited += 1
        return False

    @property
    def reason(self) -> Message | None:
        """Why training should end, or None."""
        if self.patience is None or self.waited < self.patience:
            return None
        best = f"{self.best:.6g}"
        return Logs.no_better(monitor=self.monitor, waited=self.waited, best=best, epoch=self.best_epoch)

    def forget(self) -> None:
        """Begin anew: what was measured so far cannot be compared with what comes."""
        self.best, self.best_epoch, self.waited = None, 0, 0

    def state(self) -> StopState:
        """Return the counters for the checkpoint."""
        return {"best": self.best, "best_epoch": self.best_epoch, "waited": self.waited}

    def restore(self, state: StopState) -> None:
        """Continue from a checkpoint."""
        self.best, self.best_epoch, self.waited = state["best"], state["best_epoch"], state["waited"]
