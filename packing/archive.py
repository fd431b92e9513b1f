"""Reads zip and tar archives as streams of members. Writes nothing to disk, and counts the unpacked bytes."""

from __future__ import annotations

import bz2
import gzip
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from typing import TYPE_CHECKING, Any, BinaryIO, Callable, Iterator, NamedTuple

from models.messages import ArchiveFaults, MemberFaults, Remedies
from packing.errors import RefusedError, refuse_file
from packing.limits import MEMORY, MOST_MEMBER, MOST_MEMBERS, MOST_RATIO, MOST_UNPACKED, RATIO_FROM
from packing.names import checked, is_junk, normal
from packing.zip_members import Directory, Entry
from packing.zip_names import ZipNames

if TYPE_CHECKING:
    from pathlib import Path

_PIECE = 1 << 20
_BLOCK = 512
_COMPRESSED: dict[bytes, Callable[[BinaryIO], Any]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\0": lzma.LZMAFile,
}
# Files that people often send instead of an archive, by their first bytes.
_OTHERS = {
    b"7z\xbc\xaf": ArchiveFaults.a_7z_archive,
    b"Rar!": ArchiveFaults.a_rar_archive,
    b"\x28\xb5\x2f\xfd": ArchiveFaults.packed_with_zstd,
    b"\x89PNG": ArchiveFaults.a_single_picture,
    b"\xff\xd8\xff": ArchiveFaults.a_single_picture,
    b"%PDF": ArchiveFaults.a_pdf_file,
}
_BROKEN = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError),
    *(struct.error, ValueError, IndexError, KeyError, NotImplementedError),
)


class Member(NamedTuple):
    """A file or a folder in an archive. ``read`` returns a file's bytes, and works only until the next member."""

    name: str
    parts: tuple[str, ...]
    is_folder: bool
    read: Callable[[], bytes]
    size: int = 0  # as its header claims


class Archive:
    """A zip, or a tar with any compression, detected by its content. Its members can be read more than once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.code_page: str | None = None  # that a zip's names were guessed to be in
        self._packed = path.stat().st_size
        self._out = 0
        with path.open("rb") as file:
            head = file.read(_BLOCK)
        self._zipped = head[:2] == b"PK"
        self._opener = next((opener for magic, opener in _COMPRESSED.items() if head.startswith(magic)), None)
        plain = not self._zipped and self._opener is None
        if plain and head[257:262] != b"ustar" and not _is_old_tar(path):
            kind = next(
                (text for magic, text in _OTHERS.items() if head.startswith(magic)), ArchiveFaults.neither_zip_nor_tar
            )
            kind = kind if head else ArchiveFaults.empty_file
            raise RefusedError(ArchiveFaults.file_is(kind=kind()), Remedies.send_an_archive())

    def members(self) -> Iterator[Member]:
        """Yield the members in the order of the archive, without files that operating systems add.

        Raises:
            RefusedError: it is damaged, a bomb, or plays tricks; while iterating and in ``Member.read`` alike.
        """
        self._out = 0
        count = 0
        walk = self._zip() if self._zipped else self._tar()
        while True:
            try:
                member = next(walk, None)
            except _BROKEN as error:
                raise _broken(error) from error
            except MemoryError as error:
                raise RefusedError(ArchiveFaults.too_much_memory(size=MEMORY >> 20), Remedies.send_smaller()) from error
            if member is None:
                return
            count += 1
            if count > MOST_MEMBERS:
                raise RefusedError(ArchiveFaults.too_many_members(count=MOST_MEMBERS), Remedies.send_fewer())
            if member.parts and not any(map(is_junk, member.parts)):
                yield member

    # -- zip

    def _zip(self) -> Iterator[Member]:
        with self._path.open("rb") as file:
            directory = Directory(file)
            names = ZipNames(map(_raw_name, directory))
            self.code_page = names.code_page
            for entry in directory:
                yield self._zip_member(directory, entry, names.decode(*_raw_name(entry)))

    def _zip_member(self, directory: Directory, entry: Entry, name: str) -> Member:
        parts = checked(name)
        if entry.kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
            raise refuse_file(name, MemberFaults.link(), Remedies.repack())
        if entry.is_encrypted:
            raise refuse_file(name, MemberFaults.encrypted(), Remedies.send_without_password())
        if name.endswith("/") or entry.kind == stat.S_IFDIR:
            return Member(name, parts, True, bytes)

        def read() -> bytes:
            return self._content(name, directory.read(entry, name), entry.size)

        return Member(name, parts, False, _guarded(read, name), entry.size)

    # -- tar

    def _tar(self) -> Iterator[Member]:
        with self._path.open("rb") as file:
            if self._opener is None:
                with tarfile.open(fileobj=file, mode="r:") as archive:
                    yield from self._tar_members(archive)
                    # tarfile accepts the end of the file as the end of the archive. A complete archive ends with zeros.
                    file.seek(archive.offset)
                    if file.read(_BLOCK) != bytes(_BLOCK):
                        raise EOFError("the end is missing")
            else:
                counted = _Counted(self._opener(file), self._count)
                with tarfile.open(fileobj=counted, mode="r|") as archive:  # type: ignore[call-overload]
                    yield from self._tar_members(archive)
                # The checksum follows the last byte.
                while counted.read(_PIECE):
                    pass

    def _tar_members(self, archive: tarfile.TarFile) -> Iterator[Member]:
        while True:
            info = archive.next()
            if info is None:
                return
            # tarfile keeps every member in memory to resolve links. Links are refused here.
            archive.members = []  # type: ignore[attr-defined]
            yield self._tar_member(archive, info)

    def _tar_member(self, archive: tarfile.TarFile, info: tarfile.TarInfo) -> Member:
        name = normal(info.name)
        parts = checked(name)
        if info.isdir():
            return Member(name, parts, True, bytes)
        if not info.isreg() or info.issparse():
            raise refuse_file(name, MemberFaults.link(), Remedies.repack())

        def read() -> bytes:
            file = archive.extractfile(info)
            if file is None:
                raise EOFError("no content")
            with file:
                return self._content(name, iter(lambda: file.read(_PIECE), b""), info.size)

        return Member(name, parts, False, _guarded(read, name), info.size)

    # -- counting

    def _content(self, name: str, pieces: Iterator[bytes], claimed: int) -> bytes:
        """Return a member's bytes. The size in its header is used only to refuse it early."""
        too_large = refuse_file(name, MemberFaults.too_large_member(size=MOST_MEMBER >> 20), Remedies.make_smaller())
        if claimed > MOST_MEMBER:
            raise too_large
        content = bytearray()
        for piece in pieces:
            content += piece
            # For a compressed tar, the stream below has counted everything, headers and skipped members included.
            if self._opener is None:
                self._count(len(piece))
            if len(content) > MOST_MEMBER:
                raise too_large
        if len(content) != claimed:
            raise EOFError(f"{name} ends early")
        return bytes(content)

    def _count(self, more: int) -> None:
        self._out += more
        if self._out > MOST_UNPACKED:
            raise RefusedError(ArchiveFaults.too_much(size=MOST_UNPACKED >> 30), Remedies.send_fewer_or_smaller())
        if self._out > RATIO_FROM and self._out > MOST_RATIO * self._packed:
            raise RefusedError(ArchiveFaults.a_bomb(ratio=MOST_RATIO), Remedies.send_pictures())


class _Counted:
    """A file that counts the bytes read from it."""

    def __init__(self, file: Any, count: Callable[[int], None]) -> None:
        self._file = file
        self._count = count

    def read(self, size: int = -1) -> bytes:
        """Read and count."""
        piece = bytes(self._file.read(size))
        self._count(len(piece))
        return piece


def _raw_name(entry: Entry) -> tuple[bytes, bool, bytes]:
    """Return a name's bytes, whether they are flagged as UTF-8, and the extra field."""
    return entry.raw_name, entry.is_utf8, entry.extra


def _guarded(read: Callable[[], bytes], name: str) -> Callable[[], bytes]:
    def guarded() -> bytes:
        try:
            return read()
        except MemoryError as error:
            problem = MemberFaults.takes_too_much_memory(size=MEMORY >> 20)
            raise refuse_file(name, problem, Remedies.send_smaller()) from error
        except _BROKEN as error:
            raise _broken(error) from error

    return guarded


def _broken(error: Exception) -> Exception:
    if isinstance(error, OSError) and error.errno is not None:
        return error  # the disk, not the archive
    return RefusedError(ArchiveFaults.archive_damaged(error=str(error) or type(error).__name__), Remedies.make_anew())


def _is_old_tar(path: Path) -> bool:
    """Return whether a file without the modern magic number is a tar: the checksum of its first header is right."""
    with path.open("rb") as file:
        head = file.read(_BLOCK)
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
        return True  # an empty one
    except tarfile.HeaderError:
        return False
    return True
