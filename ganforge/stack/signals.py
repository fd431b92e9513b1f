"""Signals as counters: the handlers only count, the program checks the count."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """How often this process was asked to stop. The second request means: hurry."""

    def __init__(self) -> None:
        self.received: list[int] = []
        self._first = 0.0
        self._raising = False

    @contextmanager
    def installed(self) -> Iterator[Signals]:
        """Count signals instead of exiting on them, until the block ends."""
        before = {number: signal.signal(number, self._count) for number in STOPPING}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def raising(self) -> Iterator[None]:
        """Let a signal interrupt what the block is waiting for.

        Raises:
            KeyboardInterrupt: a signal arrived before or in the block.
        """
        self._raising = True
        try:
            if self.stopping():
                raise KeyboardInterrupt
            yield
        finally:
            self._raising = False

    def stopping(self) -> bool:
        """Return whether this process was asked to stop."""
        return bool(self.received)

    def hurry(self) -> bool:
        """Return whether it was asked again."""
        return len(self.received) > 1

    def _count(self, number: int, frame: FrameType | None) -> None:
        del frame
        # A terminal's Ctrl-C may arrive twice, directly and through make. That is one request.
        now = time.monotonic()
        if not self.received or now - self._first > 0.5:
            self.received.append(number)
            self._first = self._first or now
        if self._raising:
            raise KeyboardInterrupt
