"""Turns for packing: each waiting owner gets one before any owner gets another."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from api.http.problems import ProblemError
from api.uploads.ledger import busy
from models.messages import BodyFaults, ServiceFaults

_LOOK_S = 1.0


@dataclass(eq=False)
class _Waiting:
    owner: str
    number: int  # which turn of the owner's it is


class PackingTurns:
    """Places for packers in one process, of which one owner takes at most `of_an_owner` at a time.

    With fewer places for an owner than there are, a newcomer finds one even while somebody's packers run for long.
    """

    def __init__(self, places: int, of_an_owner: int) -> None:
        self._places = places
        self._of_an_owner = of_an_owner
        self._changed = threading.Condition()
        self._running: Counter[str] = Counter()
        self._waiting: list[_Waiting] = []
        # How many turns each owner has had since nobody last waited or packed, and the number of the latest turn. A
        # newcomer starts at that number: it neither passes everybody for long nor waits for turns others had before.
        self._had: dict[str, int] = {}
        self._latest = 0

    @contextmanager
    def turn(self, owner: str, patience_s: float, gone: Callable[[], bool] = lambda: False) -> Iterator[None]:
        """Wait for a place, and hold it.

        Raises:
            ProblemError: 503 when none became free in time, 400 when `gone` says that nobody waits for it any more.
        """
        self._wait(owner, time.monotonic() + patience_s, gone)
        try:
            yield
        finally:
            with self._changed:
                self._running -= Counter([owner])
                self._ended()

    def _wait(self, owner: str, deadline: float, gone: Callable[[], bool]) -> None:
        with self._changed:
            before = sum(one.owner == owner for one in self._waiting)
            me = _Waiting(owner, self._had.setdefault(owner, self._latest) + before)
            self._waiting.append(me)
            try:
                while self._next() is not me:
                    left = deadline - time.monotonic()
                    if left <= 0:
                        raise busy(ServiceFaults.uploads_under_way())
                    if gone():
                        raise ProblemError("malformed", BodyFaults.upload_cut_off())
                    self._changed.wait(min(left, _LOOK_S))
                self._running[owner] += 1
                self._had[owner] += 1
                self._latest = me.number
            finally:
                self._waiting.remove(me)
                self._ended()

    def _ended(self) -> None:
        if not self._waiting and not self._running:
            self._had.clear()
            self._latest = 0
        self._changed.notify_all()

    def _next(self) -> _Waiting | None:
        """Return who goes next: of the owners below their share, the one with the fewest turns; then who came first."""
        if self._running.total() >= self._places:
            return None
        below = [one for one in self._waiting if self._running[one.owner] < self._of_an_owner]
        return min(below, key=lambda one: one.number, default=None)
