"""The metrics of every step on their way from the device to the epoch's means, the loss plot and the service."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, NamedTuple

from trainers.loop.meters import History, Means, Ring

if TYPE_CHECKING:
    import torch

    from models.wire import Progress
    from trainers.loop.alarms import Alarms
    from trainers.loop.looks import Looks
    from trainers.process.reporter import Reporter

# Two messages a second look live to a person. Each costs the service a transaction, on the cores that train.
_SEND_EVERY_S = 0.5


class NotANumberError(Exception):
    """A metric or a weight is not a number any more; carries the step and its metrics (none, if it was a weight)."""

    def __init__(self, step: int, values: dict[str, float | None]) -> None:
        super().__init__(step)
        self.step = step
        self.values = values


class Unread(NamedTuple):
    """A step whose metrics are still on the device."""

    step: int
    images: int
    recorded: bool  # whether its metrics are a point of the curves, by the job's cadence


class StepMetrics:
    """Rows of metrics: on the device, then read (means, history, alarms), then sent, in the order of their steps."""

    def __init__(
        self, names: tuple[str, ...], device: torch.device, reporter: Reporter, alarms: Alarms, looks: Looks
    ) -> None:
        self.names = names
        self.means = Means(len(names))
        self.history = History(len(names))
        self._ring = Ring(len(names), device)
        self._reporter = reporter
        self._alarms = alarms
        self._looks = looks
        self._unread: list[Unread] = []
        self._unsent: list[tuple[int, list[float]]] = []
        self._sent_at = -math.inf

    def add(self, row: torch.Tensor, step: int, images: int, *, recorded: bool) -> None:
        """Keep a step's metrics, [len(names)], on the device."""
        self._ring.add(row)
        self._unread.append(Unread(step, images, recorded))

    @property
    def full(self) -> bool:
        """Whether the rows have to be read before the next step."""
        return self._ring.full

    def due(self, now: float) -> bool:
        """Return whether it is time to send again."""
        return now - self._sent_at >= _SEND_EVERY_S

    def read(self) -> None:
        """Wait for the device, and account for all steps since the last time.

        Raises:
            NotANumberError: a metric is not a number; the steps up to it are ready to be sent.
        """
        for (step, images, recorded), row in zip(self._unread, self._ring.take()):
            finite = all(math.isfinite(value) for value in row)
            # A step that went wrong is recorded whatever the cadence, so that the curves show it.
            if recorded or not finite:
                self._unsent.append((step, row))
            if not finite:
                raise NotANumberError(step, {name: rounded(value) for name, value in zip(self.names, row)})
            self.means.add(row)
            self.history.add(images, row)
            self._alarms.step(step, images, dict(zip(self.names, row)))
            seen = self._looks.read(step)
            if seen is not None:
                self._alarms.look(step, images, seen)
        self._unread.clear()

    @property
    def nothing_to_send(self) -> bool:
        """Whether no recorded step waits to be sent."""
        return not self._unsent

    def send(self, epoch: int, progress: Progress, data_wait_pct: float | None = None) -> None:
        """Send the recorded steps in one message: columns are shorter than rows with the names repeated."""
        steps = [step for step, _ in self._unsent]
        columns = zip(*(row for _, row in self._unsent))
        values = {name: [rounded(value) for value in column] for name, column in zip(self.names, columns)}
        self._reporter.metric(epoch, steps, values, progress, data_wait_pct)
        self._unsent.clear()
        self._sent_at = time.monotonic()

    def end_epoch(self) -> dict[str, float]:
        """Return the means over the epoch's steps, and begin the next epoch."""
        return dict(zip(self.names, self.means.take()))

    def discard(self) -> None:
        """Forget what was not read or sent: those steps will be done again from a checkpoint."""
        self._ring.take()
        self._looks.discard()
        self._unread.clear()
        self._unsent.clear()


def rounded(value: float) -> float | None:
    """Return six significant digits; None for what is not a number, which JSON cannot hold."""
    return float(f"{value:.6g}") if math.isfinite(value) else None
