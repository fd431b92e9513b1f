"""Turns: the requests of one caller, however many, take a bounded share of a process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakValueDictionary

# Requests of one caller that a process works on at once. They all share one core, so that more of them would only make
# the others wait longer; fewer would leave the core idle while the database answers.
AT_ONCE = 4


class _Line:
    """The requests of one caller. It exists as long as one of them does."""

    def __init__(self) -> None:
        self.turns = threading.BoundedSemaphore(AT_ONCE)


class Turns:
    """Lets each caller in by turns; its requests beyond `AT_ONCE` wait. A caller is an owner, or a secret."""

    def __init__(self) -> None:
        self._lines: WeakValueDictionary[str, _Line] = WeakValueDictionary()

    @contextmanager
    def taken(self, caller: str) -> Iterator[None]:
        """Wait for a turn, and hold it for the block."""
        line = self._line(caller)
        with line.turns:
            yield

    @contextmanager
    def given_back(self, caller: str) -> Iterator[None]:
        """Give the turn back for a block that waits: for a job to change, for the bytes of an upload."""
        line = self._line(caller)
        line.turns.release()
        try:
            yield
        finally:
            line.turns.acquire()

    def _line(self, caller: str) -> _Line:
        return self._lines.setdefault(caller, _Line())
