"""Reads single values from an LMDB database without its library, in a file of any size.

The library maps the whole file, which the packer's limit of memory refuses for a database of 43 GB; this reads the few
pages that a look needs. The format is LMDB's own (lmdb.h, mdb.c; version 1, 64 bits): pages of one size, of which two
tell where the root is; branches that lead to leaves, and leaves that hold keys and values or say on which pages a large
value stands.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from packing.limits import MOST_MEMBER

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

_MAGIC = 0xBEEFC0DE
# Where a meta page keeps what is needed here: magic, page size, depth, entries, root of the main database, transaction.
_MAGIC_AT, _PAGE_AT, _DEPTH_AT, _ENTRIES_AT, _ROOT_AT, _TRANSACTION_AT = 16, 40, 94, 120, 128, 144
_HEAD = 16  # of a page: its number, flags, and where its free space begins; then where each node stands
_BRANCH, _LEAF = 1, 2
_ELSEWHERE = 1  # the node's value is on pages of its own
_DEEPEST = 32
_SMALLEST_ENTRY = 8  # bytes: the head of a node


class Database:
    """A database that no process is writing to. Use it as a context manager."""

    def __init__(self, path: Path) -> None:
        """Open it.

        Raises:
            ValueError: it is no such database.
            OSError: it cannot be read.
        """
        self._path = path
        pages = _pages(path)
        newest = max(pages, key=lambda page: int(struct.unpack_from("<Q", page, _TRANSACTION_AT)[0]))
        self._page = struct.unpack_from("<I", pages[0], _PAGE_AT)[0]
        self.depth: int = struct.unpack_from("<H", newest, _DEPTH_AT)[0]
        self._root = struct.unpack_from("<Q", newest, _ROOT_AT)[0]
        self.entries: int = struct.unpack_from("<Q", newest, _ENTRIES_AT)[0]
        self._size = path.stat().st_size
        if self.entries * _SMALLEST_ENTRY > self._size:
            raise ValueError(f"{path} is damaged: it is too short for {self.entries:,} entries")
        self._file = path.open("rb")

    def __enter__(self) -> Database:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def near(self, place: float) -> bytes:
        """Return a value from this position in key order, approximately: 0 is the first value, 1 is after the last.

        Raises:
            ValueError: the database is damaged.
        """
        page = self._root
        for _ in range(min(self.depth, _DEEPEST)):
            start = page * self._page
            flags, lower = struct.unpack("<HH", self._part(start + 10, 4))
            count = (lower - _HEAD) // 2
            if count < 1:
                break
            chosen = min(int(place * count), count - 1)
            place = place * count - chosen
            node = start + struct.unpack("<H", self._part(start + _HEAD + 2 * chosen, 2))[0]
            low, high, more, key = struct.unpack("<HHHH", self._part(node, 8))
            if flags & _LEAF:
                where = node + 8 + key
                if more & _ELSEWHERE:
                    where = struct.unpack("<Q", self._part(where, 8))[0] * self._page + _HEAD
                return self._part(where, low | high << 16)
            if not flags & _BRANCH:
                break
            page = low | high << 16 | more << 32
        raise ValueError(f"{self._path} is damaged: its pages lead nowhere")

    def _part(self, begin: int, length: int) -> bytes:
        # Checked first: a read allocates what it is asked for.
        if begin + length > self._size:
            raise ValueError(f"{self._path} is damaged: it ends before its pages do")
        if length > MOST_MEMBER:
            raise ValueError(f"{self._path} has a value of more than {MOST_MEMBER >> 20} MB")
        self._file.seek(begin)
        part = self._file.read(length)
        if len(part) != length:
            raise ValueError(f"{self._path} is damaged: it ends before its pages do")
        return part


def entries_in(path: Path) -> int:
    """Return how many entries a database has.

    Raises:
        ValueError: it is no such database.
        OSError: it cannot be read.
    """
    with Database(path) as database:
        return database.entries


def _pages(path: Path) -> list[bytes]:
    """Return the first 4096 bytes of both meta pages; only those of the first if the second is truncated.

    Raises:
        ValueError: it is no such database.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        first = file.read(4096)
        if len(first) < 4096 or struct.unpack_from("<I", first, _MAGIC_AT)[0] != _MAGIC:
            raise ValueError(f"{path} is not a database of LMDB")
        file.seek(struct.unpack_from("<I", first, _PAGE_AT)[0])
        second = file.read(4096)
    return [page for page in (first, second) if len(page) == 4096]
