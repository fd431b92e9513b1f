"""A folder for files on their way to the store, one a supervisor, freed when its owner is gone however it went."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from pathlib import Path
from typing import TextIO

LOCK = "lock"


class Scratch:
    """Holds a lock on its folder for as long as the process lives; takes away folders that nobody holds any more."""

    def __init__(self, home: Path) -> None:
        self._root = home.resolve() / "scratch"
        self._lock: TextIO | None = None
        self.path = self._root

    def open(self) -> None:
        """Make the folder, and remove those of supervisors that were killed."""
        self._root.mkdir(parents=True, exist_ok=True)
        for folder in self._root.iterdir():
            if _abandoned(folder):
                shutil.rmtree(folder, ignore_errors=True)
        self.path = Path(tempfile.mkdtemp(dir=self._root))
        self._lock = (self.path / LOCK).open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def close(self) -> None:
        """Remove the folder."""
        if self._lock is not None:
            shutil.rmtree(self.path, ignore_errors=True)
            self._lock.close()


def _abandoned(folder: Path) -> bool:
    try:
        with (folder / LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (FileNotFoundError, BlockingIOError):
        # Without a lock it is just being made; with a held one its owner lives.
        return False
    return True
