"""Turns: the requests of one caller, however many, take a bounded share of a process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakValueDictionary

# Requests of one caller that a process works on at once. They all share one core, so that more of them would only make
# the others wait longer; fewer would leave the core idle while the database answers.
AT_ONCE = 4


class Turns:
    """Lets each caller in by turns; its requests beyond `AT_ONCE` wait. A caller: an owner, a secret, an address."""

    def __init__(self) -> None:
        # A caller's turns exist as long as one of its requests does.
        self._of_caller: WeakValueDictionary[str, threading.BoundedSemaphore] = WeakValueDictionary()

    @contextmanager
    def taken(self, caller: str) -> Iterator[None]:
        """Wait for a turn, and hold it for the block."""
        with self._turns(caller):
            yield

    @contextmanager
    def given_back(self, caller: str) -> Iterator[None]:
        """Give the turn back for a block that waits: for a job to change, for the bytes of an upload."""
        turns = self._turns(caller)
        turns.release()
        try:
            yield
        finally:
            turns.acquire()

    def _turns(self, caller: str) -> threading.BoundedSemaphore:
        return self._of_caller.setdefault(caller, threading.BoundedSemaphore(AT_ONCE))
