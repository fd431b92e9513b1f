"""The reserve of a disk: bytes that uploads and caches leave free, because databases on it stop without any.

Trainers use this module on Python 3.8.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

# Postgres ends when its write-ahead log finds no room, and the object store and the logs grow on their own.
LEAST_RESERVE = 2 << 30
# One part in this many stays free of uploads. Many people send them, and on a large disk 2 GiB fill within seconds.
RESERVED_SHARE = 10


@dataclass(frozen=True)
class Disk:
    """The state of a disk: bytes that are free, and bytes that have to stay free."""

    free: int
    reserve: int

    @property
    def spare(self) -> int:
        """The free bytes beyond the reserve; negative when it is in use."""
        return self.free - self.reserve


def look_at_disk(folder: Path, reserve: int | None) -> Disk:
    """Return the state of the disk that an existing folder is on. None: the reserve for uploads."""
    usage = shutil.disk_usage(folder)
    return Disk(usage.free, max(LEAST_RESERVE, usage.total // RESERVED_SHARE) if reserve is None else reserve)


def look_as_cache(folder: Path, reserve: int | None) -> Disk:
    """Return the state of the disk for a worker's caches. They may leave less free: jobs that run need them."""
    return look_at_disk(folder, LEAST_RESERVE if reserve is None else reserve)
