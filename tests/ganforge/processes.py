"""Looking at processes from outside."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import psutil


def carrying(home: Path) -> list[psutil.Process]:
    """Return the processes, other than this one, that carry GANFORGE_HOME or the home's path on their command line."""
    found = []
    for process in psutil.process_iter():
        try:
            named = any(str(home) in part for part in process.cmdline())
            carried = process.environ().get("GANFORGE_HOME") == str(home)
            if process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE and (named or carried):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def wait_for(condition: Callable[[], bool], what: str, limit: float = 20.0) -> None:
    """Return as soon as the condition holds.

    Raises:
        AssertionError: it does not hold within `limit` seconds.
    """
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, f"waited {limit} s for {what}"
        time.sleep(0.02)
