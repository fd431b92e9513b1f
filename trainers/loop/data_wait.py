"""How much of a training's time goes by while it waits for its data."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainers.data.loader import Feed

# As often as the supervisor reads its sensors (worker/telemetry.py), beside which this is drawn.
_EVERY_S = 5.0


class DataWait:
    """The share of the wall time since the last reading in which a step waited for a batch, in percent.

    It belongs to the attempt: checkpoints know nothing of it.
    """

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self.start()

    def start(self) -> None:
        """Count from now on."""
        self._since, self._waited_s = time.monotonic(), self._feed.waited_s

    def pct(self, *, last: bool) -> float | None:
        """Return the share, 0 to 100, and begin anew; None where the last reading is too young.

        The ``last`` one of a training is given whatever its age, so that short trainings have one.
        """
        passed = time.monotonic() - self._since
        if passed <= 0 or (passed < _EVERY_S and not last):
            return None
        waited = self._feed.waited_s - self._waited_s
        self.start()
        return round(min(100.0, 100 * waited / passed), 1)
