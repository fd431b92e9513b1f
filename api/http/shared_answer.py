"""An answer that many requests share: it is found once for all who ask at the same time, and kept for a while."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class SharedAnswer(Generic[T]):
    """Asks a question at most once at a time in this process, and again when `fresh_s` have passed since the answer.

    An error goes to all who wait for it and is not kept.
    """

    def __init__(self, ask: Callable[[], T], fresh_s: float) -> None:
        self._ask = ask
        self._fresh_s = fresh_s
        self._lock = Lock()
        self._latest: Future[T] | None = None
        self._until = 0.0

    def get(self) -> T:
        """Return the answer: the one kept, the one that another request is waiting for, or a new one."""
        while True:
            mine, answer = self._join()
            if mine:
                self._find(answer)
            try:
                return answer.result()
            except CancelledError:  # who asked was stopped, so somebody else asks
                continue

    def _join(self) -> tuple[bool, Future[T]]:
        with self._lock:
            latest = self._latest
            if latest is not None and (not latest.done() or time.monotonic() < self._until):
                return False, latest
            self._latest = Future()
            return True, self._latest

    def _find(self, answer: Future[T]) -> None:
        try:
            found = self._ask()
        except Exception as error:  # whoever waits gets it
            self._until = 0.0
            answer.set_exception(error)
        except BaseException:
            self._until = 0.0
            answer.cancel()
            raise
        else:
            self._until = time.monotonic() + self._fresh_s
            answer.set_result(found)
