"""The ledger of uploads under way, in all processes of a home: who sends them, and the bytes they will still write.

Each upload's folder holds its entry, so an entry disappears with its upload, and one whose folder nobody locks belongs
to a dead process and does not count. Whoever reads or changes entries holds the spool's lock.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from api.http.problems import ProblemError
from models.disk import Disk, look_at_disk
from models.files import take_over
from models.formats import size
from models.messages import Message, ServiceFaults
from stores.infra.settings import Settings

LOCK = "lock"
ENTRY = "entry"  # JSON: the owner, and the bytes promised beside the packer's
PLAN = "plan"  # written by the packer: the bytes it is about to write
_RECEIVED = "upload-*"
_PACKED = "*packed.safetensors*"
# The share of the room that one owner's uploads may take: promising much and sending it slowly leaves some for others.
OWN_SHARE = 0.75


@dataclass(frozen=True)
class Limits:
    """How many uploads may be under way, and what they leave free on the disk (None: the default for its size)."""

    uploads: int
    of_an_owner: int
    reserve: int | None

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """Return the limits that the settings ask for."""
        return cls(settings.max_uploads, settings.max_owner_uploads, settings.disk_reserve_bytes)


class Entry(NamedTuple):
    """One upload: its owner, the bytes it has promised and not yet written, and those that it has written."""

    owner: str
    outstanding: int
    written: int


class Ledger:
    """Counts the uploads whose folders are below `root`."""

    def __init__(self, root: Path, limits: Limits) -> None:
        self._root = root
        self._limits = limits

    def disk(self) -> Disk:
        """Return the state of the disk."""
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        return look_at_disk(self._root, self._limits.reserve)

    def admit(self, owner: str, promised: int) -> None:
        """Check whether one more upload may begin.

        Raises:
            ProblemError: 503 when too many are under way, or the disk has no room for what it promises.
        """
        others = list(self._entries())
        limits = self._limits
        if sum(one.owner == owner for one in others) >= limits.of_an_owner:
            raise busy(ServiceFaults.own_uploads_under_way(limit=limits.of_an_owner))
        if len(others) >= limits.uploads:
            raise busy(ServiceFaults.all_uploads_under_way(limit=limits.uploads))
        self._check_room(promised, others)
        self._check_share(Entry(owner, promised, 0), others)

    def grow(self, folder: Path, owner: str, promised: int) -> None:
        """Let the upload of a folder, whose length is unknown, receive so many bytes in all.

        Raises:
            ProblemError: 503 when the disk has no room for them, or the owner's share has none.
        """
        others, received = list(self._entries(but=folder)), _written(folder, _RECEIVED)
        self._check_share(Entry(owner, promised - received, received), others)
        self.promise(folder, owner, promised)

    def promise(self, folder: Path, owner: str, promised: int) -> None:
        """Change what the upload of a folder promises.

        Raises:
            ProblemError: 503 when the disk has no room for it.
        """
        if promised:
            self._check_room(promised - _written(folder, _RECEIVED), list(self._entries(but=folder)))
        write_entry(folder, owner, promised)

    def promised_by_others(self, folder: Path) -> int:
        """Return the bytes that all uploads but that of a folder have promised and not yet written."""
        return sum(one.outstanding for one in self._entries(but=folder))

    def check_reserve(self) -> None:
        """Check whether the reserve is untouched.

        Raises:
            ProblemError: 503 when it is not.
        """
        disk = self.disk()
        if disk.spare < 0:
            raise reserve_reached(disk, 0)

    def _check_room(self, more: int, others: list[Entry]) -> None:
        disk = self.disk()
        promised = sum(one.outstanding for one in others)
        if disk.spare - promised < max(more, 0):
            raise reserve_reached(disk, promised)

    def _check_share(self, new: Entry, others: list[Entry]) -> None:
        own = [new, *(one for one in others if one.owner == new.owner)]
        promised = sum(one.outstanding for one in others if one.owner != new.owner)
        room = self.disk().spare - promised + sum(one.written for one in own)  # as if the owner had no upload
        needed, limit = sum(one.outstanding + one.written for one in own), OWN_SHARE * room
        if needed > limit:
            facts = ServiceFaults.own_share_reached(needed=size(needed), limit=size(limit), room=size(room))
            raise ProblemError("unavailable", facts, headers={"Retry-After": "60"})

    def _entries(self, but: Path | None = None) -> Iterator[Entry]:
        for folder in self._root.iterdir():
            if folder == but:
                continue
            with suppress(FileNotFoundError, NotADirectoryError, ValueError):  # the upload is ending
                entry = json.loads((folder / ENTRY).read_text())
                with take_over(folder / LOCK) as abandoned:
                    if not abandoned:
                        yield _look(folder, entry["owner"], entry["promised"])


def write_entry(folder: Path, owner: str, promised: int) -> None:
    """Write the entry of a folder."""
    (folder / ENTRY).write_text(json.dumps({"owner": owner, "promised": promised}))


def _look(folder: Path, owner: str, promised: int) -> Entry:
    try:
        planned = int((folder / PLAN).read_text())
    except (OSError, ValueError):
        planned = 0
    received, packed = _written(folder, _RECEIVED), _written(folder, _PACKED)
    return Entry(owner, max(0, promised - received) + max(0, planned - packed), received + packed)


def _written(folder: Path, pattern: str) -> int:
    written = 0
    for path in folder.glob(pattern):
        with suppress(FileNotFoundError):
            written += path.stat().st_size
    return written


def busy(message: Message) -> ProblemError:
    """Return the problem of an upload that has to come back later."""
    return ProblemError("unavailable", message, headers={"Retry-After": "30"})


def no_room() -> ProblemError:
    """Return the problem of a full disk."""
    return ProblemError("unavailable", ServiceFaults.no_room(), headers={"Retry-After": "60"})


def reserve_reached(disk: Disk, promised: int) -> ProblemError:
    """Return the problem of a disk whose free bytes are reserved or promised."""
    facts = ServiceFaults.reserve_reached(free=size(disk.free), promised=size(promised), reserve=size(disk.reserve))
    return ProblemError("unavailable", facts, headers={"Retry-After": "60"})
