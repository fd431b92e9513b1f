"""The scratch folder of a supervisor, for files before their upload. Folders of dead supervisors are removed."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from filelock import FileLock

from models.files import try_lock

LOCK = "lock"


class Scratch:
    """Locks its folder for as long as the process lives, and removes folders that are no longer locked."""

    def __init__(self, home: Path) -> None:
        self._root = home.resolve() / "scratch"
        self._lock: FileLock | None = None
        self.path = self._root

    def open(self) -> None:
        """Make the folder, and remove those of supervisors that were killed."""
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in self._root.iterdir():
            if _abandoned(folder):
                shutil.rmtree(folder, ignore_errors=True)
        self.path = Path(tempfile.mkdtemp(dir=self._root))
        # A different thread may close the folder.
        self._lock = FileLock(self.path / LOCK, thread_local=False)
        self._lock.acquire()

    def close(self) -> None:
        """Remove the folder."""
        if self._lock is not None:
            shutil.rmtree(self.path, ignore_errors=True)
            self._lock.release()


def _abandoned(folder: Path) -> bool:
    if not (folder / LOCK).is_file():
        return False  # its owner is just creating it
    with try_lock(folder / LOCK) as abandoned:
        return abandoned
