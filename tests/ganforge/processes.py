"""Looking at processes from outside."""

from __future__ import annotations

import os
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
