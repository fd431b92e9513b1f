"""Folders for uploads in progress: on the disk, because a container's /tmp is memory; removed with their process."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from api.uploads.ledger import LOCK, Ledger, Limits, busy, no_room, write_entry
from models.files import take_over
from models.messages import ServiceFaults
from stores.infra.failpoints import reach

MARK = "objects"  # holds the id of stored objects, from before they are stored until their row is known
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# While data comes, the disk is looked at after so many bytes.
_LOOK_EVERY = 1 << 20
# An upload without Content-Length promises its bytes in such steps.
_STEP = 16 << 20
_NEW = ".new-"
# The spool's lock is held while folders are made and counted, which takes milliseconds.
_LOCK_S = 10.0


class Spool:
    """Locks each folder while it is in use. An unlocked folder was left by a dead process."""

    def __init__(self, home: Path, limits: Limits) -> None:
        self._root = home.absolute() / "uploads"
        self._lock = self._root.with_suffix(".lock")
        self.ledger = Ledger(self._root, limits)

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """Create a folder, and remove it at the end; a folder with a mark stays, without its large files.

        Raises:
            ProblemError: 503 when the disk is full, whatever the caller was writing, or has only its reserve free.
        """
        with self._made(lambda _folder: self.ledger.check_reserve()) as folder:
            yield folder

    @contextmanager
    def upload(self, owner: str, length: int | None) -> Iterator[UploadFolder]:
        """Create a folder for an upload, of so many bytes if that is known.

        Raises:
            ProblemError: 503 when too many uploads are under way, or the disk has no room.
        """

        def enter(folder: Path) -> None:
            self.ledger.admit(owner, length or 0)
            write_entry(folder, owner, length or 0)

        with self._made(enter) as folder:
            yield UploadFolder(self, folder, owner, length or 0)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock under which folders are made and counted, in all processes.

        Raises:
            ProblemError: 503 when another process has held it for too long.
        """
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            held = FileLock(self._lock).acquire(timeout=_LOCK_S, poll_interval=0.01)
        except Timeout as error:
            raise busy(ServiceFaults.uploads_under_way()) from error
        with held:
            yield

    def abandoned(self) -> Iterator[Path]:
        """Remove the folders of dead processes; first yield those with a mark, whose objects need a clean-up."""
        self._remove_half_made()
        for folder in sorted(self._root.iterdir()) if self._root.is_dir() else ():
            if folder.name.startswith(_NEW):
                continue
            with take_over(folder / LOCK) as abandoned:
                if not abandoned:
                    continue  # in use, or just gone
                _clear(folder)
                if folder.exists():
                    yield folder
                    _clear(folder)

    def _remove_half_made(self) -> None:
        """Remove folders whose process died while it made them. A living one makes them under the spool's lock."""
        if not any(self._root.glob(f"{_NEW}*")):
            return
        try:
            held = FileLock(self._lock).acquire(blocking=False)
        except Timeout:
            return  # one is being made now
        with held:
            for folder in self._root.glob(f"{_NEW}*"):
                shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def _made(self, enter: Callable[[Path], None]) -> Iterator[Path]:
        with full_disk_told():
            lock, folder = self._make(enter)
            try:
                yield folder
            finally:
                try:
                    _clear(folder)
                finally:
                    lock.release()

    def _make(self, enter: Callable[[Path], None]) -> tuple[FileLock, Path]:
        """Return a new folder and its lock. `enter` may refuse it."""
        with self.locked():
            made = Path(tempfile.mkdtemp(prefix=_NEW, dir=self._root))
            try:
                (made / LOCK).touch()
                reach("spooling")
                enter(made)
                lock = FileLock(made / LOCK)
                lock.acquire()
                folder = made.with_name(made.name.removeprefix(_NEW))
                made.rename(folder)
            except BaseException:
                shutil.rmtree(made, ignore_errors=True)
                raise
        return lock, folder


@dataclass
class UploadFolder:
    """The folder of one upload, and what it has promised to write."""

    spool: Spool
    path: Path
    owner: str
    promised: int

    def grow(self, promised: int) -> None:
        """Receive so many bytes in all, of a body whose length is unknown.

        Raises:
            ProblemError: 503 when the disk has no room for them, or the owner's share of it.
        """
        with self.spool.locked():
            self.spool.ledger.grow(self.path, self.owner, promised)
        self.promised = promised

    def promise(self, promised: int) -> None:
        """Promise so many bytes beside the packer's, instead of what was promised before.

        Raises:
            ProblemError: 503 when the disk has no room for them.
        """
        with self.spool.locked():
            self.spool.ledger.promise(self.path, self.owner, promised)
        self.promised = promised

    def kept_free(self) -> int:
        """Return the bytes that have to stay free beside this upload: the reserve, and what others have promised."""
        with self.spool.locked():
            return self.reserve() + self.spool.ledger.promised_by_others(self.path)

    def reserve(self) -> int:
        """Return the bytes that stay free on the disk in any case."""
        return self.spool.ledger.disk().reserve

    def file(self) -> SpooledFile:
        """Open a new file for the bytes that come. The client's file name is never used."""
        handle, path = tempfile.mkstemp(prefix="upload-", dir=self.path)
        return SpooledFile(handle, Path(path), self)


class SpooledFile:
    """A file for the bytes of an upload. It looks at the disk as it grows, and yields to other greenlets, because one
    that always finds data never waits."""

    def __init__(self, handle: int, path: Path, upload: UploadFolder) -> None:
        self.path = path
        self._file = os.fdopen(handle, "wb")
        self._upload = upload
        self._written = 0
        self._since = 0

    def write(self, piece: bytes) -> None:
        """Write a piece, let other greenlets run, and look at the disk from time to time.

        Raises:
            ProblemError: 503 when the disk has no room for more.
        """
        self._written += len(piece)
        self._since += len(piece)
        if self._written > self._upload.promised:
            self._upload.grow(self._written + _STEP)
        if self._since >= _LOOK_EVERY:
            self._since = 0
            self._upload.spool.ledger.check_reserve()
        self._file.write(piece)
        time.sleep(0)

    def close(self) -> None:
        """Close it."""
        self._file.close()


@contextmanager
def full_disk_told() -> Iterator[None]:
    """Turn the error of a full disk into its problem."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise no_room() from error
        raise


def _clear(folder: Path) -> None:
    """Remove a folder; of a folder with a mark, only the large files.

    The lock goes last: a folder without one is never swept, should the process die in between.
    """
    with suppress(FileNotFoundError):
        for path in folder.iterdir():
            if path.name not in {LOCK, MARK} and not path.is_dir():
                path.unlink(missing_ok=True)
    if not (folder / MARK).exists():
        shutil.rmtree(folder, ignore_errors=True)
