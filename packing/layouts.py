"""What stands in a folder of pictures: told the same way to whoever registers a data set and to whoever reads it.

Looks at names, sizes and a few bytes of lists, never into pictures, and needs no library for it.
"""

from __future__ import annotations

import os
import re
import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".webp")
DOMAINS = ("trainA", "trainB", "testA", "testB")
CIFAR_FILES = ("batches.meta", *(f"data_batch_{n}" for n in range(1, 6)), "test_batch")
CELEBA_PARTITION, CELEBA_PICTURES = "list_eval_partition.txt", "img_align_celeba"
LSUN_PARTS = {"train": "bedroom_train_lmdb", "test": "bedroom_val_lmdb"}

_FLAT_NAME = re.compile(r"\d+_([a-z]+)\.png")
_RENAMED = {"airplane": "plane", "automobile": "car"}
_LMDB_MAGIC = 0xBEEFC0DE
# Where a meta page of LMDB keeps what is needed here: magic, page size, entries of the main database, transaction.
_MAGIC_AT, _PAGE_AT, LMDB_ENTRIES_AT, LMDB_TRANSACTION_AT = 16, 40, 120, 144


class Entry(NamedTuple):
    """One file: its name below the data set's folder, its bytes, and when it was last written."""

    name: str
    size: int
    mtime: int


def stands(layout: str, folder: Path) -> bool:
    """Tell whether a folder looks like a data set of this layout; opens no file."""
    if layout == "idx":
        return len({entry.name.replace(".gz", "") for entry in files(layout, folder)}) >= 4
    if layout == "cifar":
        return all((folder / name).is_file() for name in CIFAR_FILES)
    if layout == "celeba":
        return (folder / CELEBA_PARTITION).is_file() and (folder / CELEBA_PICTURES).is_dir()
    if layout == "lsun-lmdb":
        return (folder / LSUN_PARTS["train"] / "data.mdb").is_file()
    if layout == "cifar-flat":
        train = folder / "train"
        first = next(_walk(train if train.is_dir() else folder), None)
        return first is not None and flat_class(first.name) is not None
    if layout == "domains":
        return all(next(_walk(folder / part), None) is not None for part in DOMAINS[:2])
    return layout == "folder" and next(_walk(folder), None) is not None


def pictures(layout: str, folder: Path) -> dict[str, list[Entry]]:
    """Return the pictures of each part, in the order in which they are read, for a layout that is one file each."""
    if layout == "domains":
        return {part: _sorted(folder, part) for part in DOMAINS if (folder / part).is_dir()}
    if layout == "cifar-flat" and (folder / "train").is_dir():
        return {part: _sorted(folder, part) for part in ("train", "test") if (folder / part).is_dir()}
    return {"train": _sorted(folder, "")}


def files(layout: str, folder: Path) -> list[Entry]:
    """Return every file that belongs to a data set, sorted by name."""
    if layout == "idx":
        return sorted(entry for entry in _entries(folder, "") if "ubyte" in entry.name)
    if layout == "cifar":
        return sorted(entry for entry in _entries(folder, "") if entry.name in CIFAR_FILES)
    if layout == "celeba":
        lists = [entry for entry in _entries(folder, "") if entry.name.endswith(".txt")]
        return sorted([*lists, *_walk(folder, CELEBA_PICTURES)])
    if layout == "lsun-lmdb":
        return [entry for name in LSUN_PARTS.values() for entry in _entries(folder, name) if "data.mdb" in entry.name]
    return [entry for part in pictures(layout, folder).values() for entry in part]


def counts(layout: str, folder: Path) -> dict[str, int]:
    """Return the pictures of each part as far as the folder tells without opening one; empty for idx and cifar.

    Raises:
        ValueError: a list or a database is damaged; says which.
        OSError: it cannot be read.
    """
    if layout in ("idx", "cifar"):
        return {}
    if layout == "celeba":
        return _celeba_counts(folder / CELEBA_PARTITION)
    if layout == "lsun-lmdb":
        found = {part: folder / name / "data.mdb" for part, name in LSUN_PARTS.items()}
        return {part: lmdb_entries(path) for part, path in found.items() if path.is_file()}
    return {part: len(entries) for part, entries in pictures(layout, folder).items()}


def flat_class(name: str) -> str | None:
    """Return the class that the name of a flat CIFAR picture gives, as the course renames it: `123_automobile.png`."""
    match = _FLAT_NAME.fullmatch(name.rpartition("/")[2])
    return None if match is None else _RENAMED.get(match.group(1), match.group(1))


def lmdb_entries(path: Path) -> int:
    """Return how many entries a database of LMDB has, from the newer of its two meta pages.

    Raises:
        ValueError: it is no such database.
        OSError: it cannot be read.
    """
    newest = max(lmdb_pages(path), key=lambda page: int(struct.unpack_from("<Q", page, LMDB_TRANSACTION_AT)[0]))
    entries: int = struct.unpack_from("<Q", newest, LMDB_ENTRIES_AT)[0]
    return entries


def lmdb_pages(path: Path) -> list[bytes]:
    """Return what begins the two meta pages of a database of LMDB; only the first where the second is cut off.

    Raises:
        ValueError: it is no such database.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        first = file.read(4096)
        if len(first) < 4096 or struct.unpack_from("<I", first, _MAGIC_AT)[0] != _LMDB_MAGIC:
            raise ValueError(f"{path} is not a database of LMDB")
        file.seek(struct.unpack_from("<I", first, _PAGE_AT)[0])
        second = file.read(4096)
    return [page for page in (first, second) if len(page) == 4096]


def _celeba_counts(path: Path) -> dict[str, int]:
    parts = {"train": 0, "test": 0}
    with path.open(encoding="ascii", errors="replace") as lines:
        for line in lines:
            words = line.split()
            if len(words) != 2 or words[1] not in ("0", "1", "2"):
                raise ValueError(f"{path} has the line {line[:80].strip()!r}; a picture and 0, 1 or 2 were expected")
            parts["train" if words[1] == "0" else "test"] += 1
    return parts


def _sorted(folder: Path, below: str) -> list[Entry]:
    return sorted(_walk(folder, below))


def _walk(folder: Path, below: str = "") -> Iterator[Entry]:
    """Yield pictures at any depth, in no certain order. Links to folders are not followed: they may lead in circles."""
    for base, _, names in os.walk(folder / below):
        wanted = [name for name in names if name.lower().endswith(SUFFIXES) and not name.startswith(".")]
        within = os.path.relpath(base, folder).replace(os.sep, "/")
        for name in wanted:
            shown = name if within == "." else f"{within}/{name}"
            try:
                facts = os.stat(os.path.join(base, name))  # noqa: PTH116, PTH118 - a Path each costs more than the rest
            except OSError:
                yield Entry(shown, 0, 0)  # a link that leads nowhere: whoever reads it says so, with its name
            else:
                yield Entry(shown, facts.st_size, facts.st_mtime_ns)


def _entries(folder: Path, below: str) -> Iterator[Entry]:
    place = folder / below
    if place.is_dir():
        for path in place.iterdir():
            if path.is_file():
                facts = path.stat()
                yield Entry(path.relative_to(folder).as_posix(), facts.st_size, facts.st_mtime_ns)
