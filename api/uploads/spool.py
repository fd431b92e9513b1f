"""Folders for uploads in progress: on the disk, because a container's /tmp is memory; removed with their process."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, cast

from filelock import FileLock

from api.http.problems import ProblemError
from models.files import try_lock
from models.messages import ServiceFaults

LOCK = "lock"
MARK = "objects"  # holds the id of stored objects, from before they are stored until their row is known
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_PAUSE_EVERY = 1 << 20
_NEW = ".new-"


class Spool:
    """Locks each folder while it is in use. An unlocked folder was left by a dead process."""

    def __init__(self, home: Path) -> None:
        self._root = home.absolute() / "uploads"

    def room(self) -> int:
        """Return the free bytes of the disk."""
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        return shutil.disk_usage(self._root).free

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """Create a folder, and remove it at the end; a folder with a mark stays, without its large files.

        Raises:
            ProblemError: 503 when the disk is full, whatever the caller was writing.
        """
        with _full_disk_told():
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            made = Path(tempfile.mkdtemp(prefix=_NEW, dir=self._root))
            folder = made.with_name(made.name.removeprefix(_NEW))
            with FileLock(made / LOCK):
                # Other processes look for abandoned folders under this name, so the lock must be held first.
                made.rename(folder)
                try:
                    yield folder
                finally:
                    _clear(folder)

    def abandoned(self) -> Iterator[Path]:
        """Remove the folders of dead processes; first yield those with a mark, whose objects need a clean-up."""
        for folder in sorted(self._root.iterdir()) if self._root.is_dir() else ():
            if not (folder / LOCK).is_file():
                continue  # just gone, or not a folder of ours
            with try_lock(folder / LOCK) as abandoned:
                if not abandoned:
                    continue  # in use
                _clear(folder)
                if folder.exists():
                    yield folder
                    _clear(folder)


def _clear(folder: Path) -> None:
    """Remove a folder; of a folder with a mark, only the large files."""
    if not (folder / MARK).exists():
        shutil.rmtree(folder, ignore_errors=True)
        return
    for path in folder.iterdir():
        if path.name not in {LOCK, MARK}:
            path.unlink(missing_ok=True)


class SpooledFile:
    """A file for the form's parser. It yields to other greenlets, because one that always finds data never waits."""

    def __init__(self, handle: int, path: Path) -> None:
        self.path = path
        self._file = os.fdopen(handle, "wb")
        self._since = 0

    def write(self, piece: bytes) -> int:
        """Write, and yield periodically."""
        self._since += len(piece)
        if self._since >= _PAUSE_EVERY:
            self._since = 0
            time.sleep(0)
        return self._file.write(piece)

    def seek(self, place: int) -> int:
        """Seek, as the parser does at the end."""
        return self._file.seek(place)

    def close(self) -> None:
        """Close it."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def stream(self) -> BinaryIO:
        """This object, typed for the parser."""
        return cast(BinaryIO, self)


def no_room() -> ProblemError:
    """Return the problem of a full disk."""
    return ProblemError("unavailable", ServiceFaults.no_room(), headers={"Retry-After": "60"})


@contextmanager
def _full_disk_told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise no_room() from error
        raise
