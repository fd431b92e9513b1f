"""When a running job will end: an estimate with a range, from how its progress went so far."""

from __future__ import annotations

import time
from collections import deque
from datetime import UTC, datetime, timedelta

from models.views import rfc3339

# The pace of the last while tells more than that of the whole run; one sample a second is enough for it.
WINDOW_S = 60.0
SPACING_S = 1.0
WARM_UP_S = 2.0


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
        rates = self._rates(now, fraction)
        left = 1.0 - fraction
        mean = (fraction - first) / (now - first_at)
        return {
            "at": _in(left / mean),
            "low": _in(left / max(*rates, mean)),
            "high": _in(left / min(*rates, mean)),
        }

    def _rates(self, now: float, fraction: float) -> list[float]:
        """Return the pace of each half of the window: how much they differ is how sure the estimate is."""
        middle = self._samples[len(self._samples) // 2]
        first = self._samples[0]
        pairs = ((first, middle), (middle, (now, fraction)))
        rates = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairs if b[0] > a[0]]
        return [rate for rate in rates if rate > 0] or [fraction / max(now - first[0], 1e-6)]


def _in(seconds: float) -> str | None:
    return rfc3339(datetime.now(UTC) + timedelta(seconds=min(seconds, 3e8)))
