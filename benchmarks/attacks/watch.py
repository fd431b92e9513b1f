"""What the service's processes weigh during an attack, and whether one of them ended."""

from __future__ import annotations

import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

import psutil

from ganforge.stack.stack import Stack

EVERY_S = 0.1


class Watch:
    """Samples the processes of a stack for a block."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.heaviest: dict[str, float] = {}
        self.before = self._pids()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def stopped(self) -> list[str]:
        """Return the names of the processes that have ended since the block began."""
        now = self._pids()
        return sorted(name for name, pids in self.before.items() if not pids <= now.get(name, set()))

    def _pids(self) -> dict[str, set[int]]:
        """Return each part's own process, and those that answer requests."""
        found: dict[str, set[int]] = {}
        for name, child in self._stack.services.children.items():
            if child.ended() is None:
                found[name] = {child.pid}
                if name == "api":
                    found[name] |= {one.pid for one in psutil.Process(child.pid).children()}
        return found

    def _run(self) -> None:
        while not self._stop.wait(EVERY_S):
            for name, child in list(self._stack.services.children.items()):
                with suppress(psutil.Error):
                    process = psutil.Process(child.pid)
                    for one in (process, *process.children(recursive=True)):
                        self._weigh(name, one)

    def _weigh(self, part: str, process: psutil.Process) -> None:
        with suppress(psutil.Error, OSError):
            name = "packer" if "packing" in process.cmdline() else part
            # The database's processes share most of their memory, so what each has of its own is counted.
            own = process.memory_full_info().uss if part == "postgres" else process.memory_info().rss
            self.heaviest[name] = max(self.heaviest.get(name, 0.0), round(own / 1e6, 1))
