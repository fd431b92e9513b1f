"""Named points at which a test, such as the series of faults (tests/chaos), stops a process, to kill it exactly there.

A process that was started without GANFORGE_HALT_AT pays for one cached call. With it, the setting is a folder: whoever
reaches a point of which a file by that name lies there takes the file away and stops itself (SIGSTOP), as a machine
does that hangs. Process ids in the file say who may take it; an empty one is for anybody.

    claimed     a supervisor has a job in its hands and nothing more
    renewing    before a lease is renewed, the first time as later
    uploading   in the middle of an object's bytes
    stored      the object is in the store, its row is not
    listed      the row is there too
    archiving   a trainer's log is an object in the store, its chunks are still there and its row is not
    finishing   in the transaction that ends an attempt, before its commit
    expiring    in the transaction that takes a job from a silent worker, before its commit
    committing  before any commit
    purging     rows of a purged job's files are deleted, before the commit
    placed      a request has looked up all that its job needs, and nothing is stored
    ringing     after a commit, before the bell
    spooling    the folder of an upload has a file for its lock, and the lock is not held yet
"""

from __future__ import annotations

import os
import signal
from functools import cache
from pathlib import Path


@cache
def _folder() -> Path | None:
    named = os.environ.get("GANFORGE_HALT_AT")
    return Path(named) if named else None


def reach(point: str) -> None:
    """Mark a named point; this process stops here only if a test has asked for it."""
    folder = _folder()
    if folder is None:
        return
    armed = folder / point
    try:
        wanted = armed.read_text().split()
        if wanted and str(os.getpid()) not in wanted:
            return
        # If several processes arrive at once, one succeeds.
        armed.rename(folder / f"{point}.{os.getpid()}")
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGSTOP)
