"""Files shared by processes of one machine: locks, and files that only their owner may read.

Trainers use this module on Python 3.8.
"""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

PRIVATE_UMASK = 0o077
# What the service writes below a home. The local stack has more (ganforge/stack/home.py).
WRITTEN_BY_THE_SERVICE = ("cache", "metrics", "previews.lock", "scratch", "uploads", "uploads.lock")


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


@contextmanager
def take_over(path: Path) -> Iterator[bool]:
    """Hold the file lock that a dead process left; yield whether it is held.

    Unlike `try_lock`, this never creates the file or its folder: the holder may be removing both at this moment. On
    file systems without such locks everybody counts as alive.
    """
    try:
        file = path.open("rb+")
    except OSError:
        yield False
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
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
        with suppress(FileNotFoundError):
            part.unlink()
        raise


def append_private(path: Path) -> IO[bytes]:
    """Open a file to append to it, such as a log. A new file can be read by its owner only, whatever the umask."""
    return os.fdopen(os.open(str(path), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab")


def keep_private(home: Path, names: Iterable[str] = WRITTEN_BY_THE_SERVICE) -> None:
    """Set the umask to 077, and remove other users' permissions from what a home already holds.

    Only entries that the service itself makes are changed, because people may keep other things in a home. A folder for
    everybody, such as /tmp, stays as it is.
    """
    os.umask(PRIVATE_UMASK)
    close_to_others(home, names)


def close_to_others(home: Path, names: Iterable[str] = WRITTEN_BY_THE_SERVICE) -> None:
    """Remove other users' permissions from a home and from these entries of it."""
    if home.is_dir() and not home.stat().st_mode & stat.S_ISVTX:
        _remove_permissions_of_others(str(home.resolve()))
    for name in names:
        top = str(home / name)
        _remove_permissions_of_others(top)
        if not Path(top).is_symlink():
            for folder, folders, files in os.walk(top):
                for each in (*folders, *files):
                    _remove_permissions_of_others(str(Path(folder) / each))


def _remove_permissions_of_others(path: str) -> None:
    """Change one file or folder of this user. Does not follow links; ignores files that disappear meanwhile."""
    with suppress(FileNotFoundError, PermissionError):
        facts = os.lstat(path)
        if not stat.S_ISLNK(facts.st_mode) and facts.st_uid == os.geteuid() and facts.st_mode & PRIVATE_UMASK:
            Path(path).chmod(stat.S_IMODE(facts.st_mode) & ~PRIVATE_UMASK)
