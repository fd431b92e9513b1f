"""When a running job will end: an estimate with a range, from how its progress went so far."""

from __future__ import annotations

import itertools
import time
from collections import deque
from datetime import UTC, datetime, timedelta

from models.views import rfc3339

# The pace of the last while tells more than that of the whole run; one sample a second is enough for it.
WINDOW_S = 60.0
SPACING_S = 1.0
WARM_UP_S = 2.0
# The window is looked at in so many parts: how much their paces differ is how sure the estimate is.
PARTS = 4
# What the steadiest pace leaves open, and how long the last files may take once everything has been learned.
SPREAD = 0.05
TAIL_S = 2.0


class Eta:
    """Fed with the fraction done (0 to 1), tells `{"at", "low", "high"}`; None while there is too little to go by."""

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
        """Return the pace of each part of the window; one without progress tells nothing: metrics come in bunches."""
        last = len(self._samples) - 1
        marks = [self._samples[last * part // PARTS] for part in range(PARTS)] + [(now, fraction)]
        rates = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.pairwise(marks) if b[0] > a[0]]
        return [rate for rate in rates if rate > 0]


def _in(seconds: float) -> str | None:
    return rfc3339(datetime.now(UTC) + timedelta(seconds=min(seconds, 3e8)))
