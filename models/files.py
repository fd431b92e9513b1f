"""Files shared by processes of one machine: locks, and files that only their owner may read.

Trainers use this module on Python 3.8.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

if TYPE_CHECKING:
    from pathlib import Path


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
    """Write a file that only its owner can read. The file appears complete or not at all."""
    part = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
