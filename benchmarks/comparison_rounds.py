"""The rounds of one side of a comparison: it works for as long as its parent says, answers a line, and waits."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any


class Pace:
    """Asked once before each step with the images seen so far. Between rounds it waits, and the process sleeps.

    A line on standard input is the number of seconds that the next round should last; a round lasts a step at least.
    Each ends with a line of JSON on standard output. The end of the input is the end of the work.
    """

    def __init__(self, settle: Callable[[], Any] = lambda: None) -> None:
        self.settle = settle  # waits for the device
        self.facts: dict[str, Callable[[], float]] = {}  # sums that each line tells the growth of, beside the rate
        self._before: dict[str, float] = {}
        self._began = 0.0
        self._until: float | None = None
        self._seen = self._steps = 0

    def over(self, seen: int) -> bool:
        """Tell whether that was all; ``seen`` counts images, or whatever the side is to be measured in."""
        if self._until is not None:
            self._steps += 1
            if time.perf_counter() < self._until:
                return False
            self.settle()
            self._say(seen)
        seconds = _next_round()
        if seconds is None:
            return True
        self._steps, self._seen = 0, seen
        self._before = {name: total() for name, total in self.facts.items()}
        self._began = time.perf_counter()
        self._until = self._began + seconds
        return False

    def _say(self, seen: int) -> None:
        lasted = time.perf_counter() - self._began
        done = seen - self._seen
        facts = {name: total() - self._before[name] for name, total in self.facts.items()}
        line = {"rate": done / lasted, "done": done, "steps": self._steps, "seconds": lasted, **facts}
        print(json.dumps(line), flush=True)


def _next_round() -> float | None:
    line = sys.stdin.readline().strip()
    return float(line) if line else None
