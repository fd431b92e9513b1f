"""Files shared by processes of one machine: locks, and files that only their owner may read.

Trainers use this module on Python 3.8.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def try_lock(path: Path) -> Iterator[bool]:
    """Hold a file lock if nobody else does; yield whether it is held.

    The operating system releases the lock when its holder dies.
    """
    try:
        held = FileLock(path).acquire(blocking=False)
    except Timeout:
        yield False
        return
    with held:
        yield True


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read. The file appears complete or not at all.

    The temporary name is random. Process ids repeat, in containers at each start, and a file that a killed process left
    must not be in the way of the next one.
    """
    handle, name = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".tmp", dir=path.parent)  # mode 0600
    part = Path(name)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink()
        raise
