"""The room that an import may take on the disk: less than is free, because others need some."""

from __future__ import annotations

import errno
import os
import shutil
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

_LOOK_EVERY = 16 << 20


class Keep(NamedTuple):
    """Bytes that have to stay free: ``reserve`` while the import writes, ``kept_free`` when it begins.

    ``plan`` is the file in which the import notes how much it is going to write, for those who count the disk.
    """

    reserve: int = 0
    kept_free: int = 0
    plan: Path | None = None


NOTHING = Keep()


class Room:
    """Looks at the disk before and while a folder's files grow."""

    def __init__(self, folder: Path, keep: Keep) -> None:
        self._folder = folder
        self._keep = keep
        self._since = 0

    def plan(self, needed: int) -> None:
        """Check whether so many bytes have room, and note them.

        Raises:
            OSError: they have none.
        """
        self._check(needed + self._keep.kept_free)
        if self._keep.plan is not None:
            self._keep.plan.write_text(str(needed))

    def grow(self, count: int) -> None:
        """Count bytes that are about to be written, and periodically look at the disk.

        Raises:
            OSError: the reserve is reached.
        """
        self._since += count
        if self._since >= _LOOK_EVERY:
            self._check(self._keep.reserve + self._since)
            self._since = 0

    def _check(self, wanted: int) -> None:
        if shutil.disk_usage(str(self._folder)).free < wanted:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._folder))
