"""The ETA of a running job with a range, estimated from its recent progress."""

from __future__ import annotations

import itertools
import time
from collections import deque
from datetime import UTC, datetime, timedelta

from models.views import rfc3339

# The recent pace predicts better than that of the whole run. One sample per second is enough.
WINDOW_S = 60.0
SPACING_S = 1.0
WARM_UP_S = 2.0
# The window is divided into so many parts. The spread of their paces gives the range of the estimate.
PARTS = 4
# The least relative range, however steady the pace; and the time that the last files may take after training.
SPREAD = 0.05
TAIL_S = 2.0


class Eta:
    """Estimates `{"at", "low", "high"}` from the fraction done (0 to 1); None while there are too few measurements."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque()

    def update(self, fraction: float, now: float | None = None) -> dict[str, str | None] | None:
        """Take a measurement at `now` (monotonic seconds) and return the estimate as UTC times."""
        now = time.monotonic() if now is None else now
        if not self._samples or now - self._samples[-1][0] >= SPACING_S:
            self._samples.append((now, fraction))
        while len(self._samples) > 2 and now - self._samples[0][0] > WINDOW_S:
            self._samples.popleft()
        first_at, first = self._samples[0]
        if now - first_at < WARM_UP_S or fraction <= first:
            return None
        left = 1.0 - fraction
        mean = (fraction - first) / (now - first_at)
        rates = [mean, *self._rates(now, fraction)]
        return {
            "at": _in(left / mean),
            "low": _in((1 - SPREAD) * left / max(rates)),
            "high": _in((1 + SPREAD) * left / min(rates) + TAIL_S),
        }

    def _rates(self, now: float, fraction: float) -> list[float]:
        """Return the pace of each part of the window, without parts that have no progress: metrics come in batches."""
        last = len(self._samples) - 1
        marks = [self._samples[last * part // PARTS] for part in range(PARTS)] + [(now, fraction)]
        rates = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.pairwise(marks) if b[0] > a[0]]
        return [rate for rate in rates if rate > 0]


def _in(seconds: float) -> str | None:
    return rfc3339(datetime.now(UTC) + timedelta(seconds=min(seconds, 3e8)))
