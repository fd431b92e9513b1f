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
# A tenth of a large disk is more than the database and the jobs write before somebody looks. Disks of laptops are often
# nine tenths full, and uploads have to be possible there.
LARGEST_RESERVE = 16 << 30


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
    if reserve is None:
        # Not the total: a file system may keep blocks for root, or give one user a part of them.
        reserve = min(max(LEAST_RESERVE, (usage.used + usage.free) // RESERVED_SHARE), LARGEST_RESERVE)
    return Disk(usage.free, reserve)


def look_as_cache(folder: Path, reserve: int | None) -> Disk:
    """Return the state of the disk for a worker's caches. They may leave less free: jobs that run need them."""
    return look_at_disk(folder, LEAST_RESERVE if reserve is None else reserve)
