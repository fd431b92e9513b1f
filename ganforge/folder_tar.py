"""The tar of a folder of pictures, streamed with one file in memory at a time; its length is known before."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ganforge.errors import UploadError
from packing.errors import printable
from packing.left_out import LeftOut
from packing.names import PICTURES, Kind, begins_as_picture, kind_of
from packing.tree import Tree, beginning

_BLOCK = tarfile.BLOCKSIZE


@dataclass(frozen=True)
class Member:
    """A file or a folder in the tar."""

    path: Path | None  # None: nothing but a name
    header: bytes
    size: int


def members(folder: Path, *, skip: bool, note: Callable[[str], None]) -> list[Member]:
    """Return the files and folders below a folder, sorted by name: a folder always gives the same data set.

    The service gets what it would find in an archive of the folder. Of files that are no pictures it gets the names.

    Raises:
        UploadError: there is no picture; or a file is of a kind that is not read, and `skip` doesn't leave it out.
        OSError: a file or a folder cannot be read.
    """
    found: list[Member] = []
    left_out = LeftOut()
    pictures = 0
    tree = Tree(folder, _unreadable)
    for name, entry, is_folder in sorted(tree):
        # Folders are included so that the service notices an empty class.
        if is_folder:
            found.append(Member(None, _header(name, 0, folder=True), 0))
            continue
        size = _size(entry)
        if size is None:
            note(f"{printable(name)} is a pipe or a device, and was left out")
            continue
        kind = kind_of(name)
        if kind is Kind.UNNAMED and begins_as_picture(beginning(entry)):
            kind = Kind.PICTURE
        if kind is Kind.PICTURE:
            found.append(Member(Path(entry.path), _header(name, size), size))
            pictures += 1
        else:
            found.append(Member(None, _header(name, 0), 0))
        if kind in {Kind.OTHER_PICTURE, Kind.ARCHIVE}:
            left_out.add_other(name, kind)
    for name in tree.repeated:
        note(f"{printable(name)} is a link to a folder that is part of the upload already, and was left out")
    if left_out and not skip:
        raise UploadError(_refusal(left_out))
    if not pictures:
        raise UploadError(f"{folder} holds no pictures of these types: {', '.join(sorted(PICTURES))}")
    return found


def _unreadable(error: OSError) -> None:
    raise error


def _size(entry: os.DirEntry[str]) -> int | None:
    """Return the bytes of a file; None if it is none."""
    try:
        facts = entry.stat()
    except OSError as error:
        if entry.is_symlink():
            target = os.readlink(entry.path)  # noqa: PTH115
            where = f"{printable(entry.path)} is a link to {printable(target)}"
            raise UploadError(f"{where}, which isn't there: correct or remove it") from error
        raise
    return facts.st_size if stat.S_ISREG(facts.st_mode) else None


def _refusal(left_out: LeftOut) -> str:
    refusal = left_out.refusal()
    return f"{refusal.summary}; {refusal.remedy}: " + "; ".join(f"{one.file} {one.problem}" for one in refusal.problems)


def _header(name: str, size: int, *, folder: bool = False) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = size
    if folder:
        info.type = tarfile.DIRTYPE
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def length_of(found: list[Member]) -> int:
    """Return the bytes of their tar."""
    return sum(len(member.header) + _padded(member.size) for member in found) + 2 * _BLOCK


def tar(found: list[Member]) -> Iterator[bytes]:
    """Yield the bytes of their tar.

    Raises:
        UploadError: a file is gone, cannot be read, or has changed its size.
    """
    for member in found:
        content = b""
        if member.path is not None:
            name = printable(str(member.path))
            try:
                content = member.path.read_bytes()
            except OSError as error:
                raise UploadError(f"{name} can't be read: {error.strerror}") from error
            if len(content) != member.size:
                raise UploadError(f"{name} changed during the upload; upload it again when it no longer changes")
        yield member.header + content.ljust(_padded(member.size), b"\0")
    yield bytes(2 * _BLOCK)
