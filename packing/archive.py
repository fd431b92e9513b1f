"""Reads zip and tar archives as streams of members. Writes nothing to disk, and counts the unpacked bytes."""

from __future__ import annotations

import bz2
import gzip
import lzma
import stat
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, Callable, Iterator, NamedTuple

from models.messages import ArchiveFaults, MemberFaults, Remedies, message_of, verbatim
from packing.errors import RefusedError, printable, refuse_file
from packing.limits import MEMORY, MOST_MEMBER, MOST_MEMBERS, MOST_RATIO, MOST_UNPACKED, RATIO_FROM
from packing.names import checked, is_junk, normal
from packing.tar_members import (
    BLOCK,
    FILES,
    FOLDERS,
    HARD_LINK,
    SPARSE,
    SYMBOLIC_LINK,
    Tar,
    TarError,
    TarMember,
    is_header,
)
from packing.zip_members import DAMAGE, Directory, Entry
from packing.zip_names import ZipNames

if TYPE_CHECKING:
    from array import array
    from pathlib import Path

_PIECE = 1 << 20


class _Compression(NamedTuple):
    name: str
    open: Callable[[BinaryIO], Any]


_COMPRESSED = {
    b"\x1f\x8b": _Compression("gzip", lambda file: gzip.GzipFile(fileobj=file)),
    b"BZh": _Compression("bzip2", bz2.BZ2File),
    b"\xfd7zXZ\0": _Compression("xz", lzma.LZMAFile),
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
# Members of a tar that are no files: what each is, and what to do.
_NO_FILES = {
    HARD_LINK: (MemberFaults.hard_link, Remedies.store_hard_links),
    SYMBOLIC_LINK: (MemberFaults.link, Remedies.follow_links),
    SPARSE: (MemberFaults.sparse, Remedies.store_whole),
}
_BROKEN = (*DAMAGE, TarError)


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
        self._names: ZipNames | None = None  # of a zip that was read before, and where its members begin
        self._headers: array[int] | None = None
        self._packed = path.stat().st_size
        self._out = 0
        with path.open("rb") as file:
            head = file.read(BLOCK)
        self._zipped = head[:2] == b"PK"
        self._compression = next((one for magic, one in _COMPRESSED.items() if head.startswith(magic)), None)
        plain = not self._zipped and self._compression is None
        if plain and not _is_tar(head):
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
            directory = Directory(file, self._headers)
            if self._names is None:
                self._headers, self._names = directory.headers, ZipNames(map(_raw_name, directory))
                self.code_page = self._names.code_page
            for entry in directory:
                yield self._zip_member(directory, entry, self._names.decode(*_raw_name(entry)))

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
            if self._compression is None:
                yield from self._tar_members(Tar(file, file.seek))
            else:
                _check_inside(file, self._compression)
                counted = _Counted(self._compression.open(file), self._count)
                yield from self._tar_members(Tar(counted))
                # The checksum follows the last byte.
                while counted.read(_PIECE):
                    pass

    def _tar_members(self, tar: Tar) -> Iterator[Member]:
        for found in tar:
            name = normal(found.name)
            parts = checked(name)
            if found.kind in FOLDERS:
                yield Member(name, parts, True, bytes)
                continue
            if found.kind not in FILES:
                wrong, remedy = _NO_FILES.get(found.kind, (MemberFaults.link, Remedies.repack))
                raise refuse_file(name, wrong(), remedy())
            read = _guarded(partial(self._tar_content, tar, found), name)
            yield Member(name, parts, False, read, found.size)

    def _tar_content(self, tar: Tar, found: TarMember) -> bytes:
        return self._content(found.name, tar.content(found), found.size)

    # -- counting

    def _content(self, name: str, pieces: Iterator[bytes], claimed: int) -> bytes:
        """Return a member's bytes. The size in its header is used only to refuse it early."""
        if claimed > MOST_MEMBER:
            raise _too_large(name)
        content = bytearray()
        for piece in pieces:
            content += piece
            # For a compressed tar, the stream below has counted everything, headers and skipped members included.
            if self._compression is None:
                self._count(len(piece))
            if len(content) > MOST_MEMBER:
                raise _too_large(name)
        if len(content) != claimed:
            raise EOFError(f"{printable(name)} ends early")
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


def _too_large(name: str) -> RefusedError:
    return refuse_file(name, MemberFaults.too_large_member(size=MOST_MEMBER >> 20), Remedies.make_smaller())


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
    said = message_of(error) if str(error) else verbatim(type(error).__name__)
    return RefusedError(ArchiveFaults.archive_damaged(error=said), Remedies.make_anew())


def _check_inside(file: BinaryIO, compression: _Compression) -> None:
    """Refuse a compressed file that is no archive, such as a single data file."""
    head = bytes(compression.open(file).read(BLOCK))
    file.seek(0)
    if not _is_tar(head):
        kind = ArchiveFaults.compressed_other(how=compression.name)
        raise RefusedError(ArchiveFaults.file_is(kind=kind), Remedies.send_an_archive())


def _is_tar(head: bytes) -> bool:
    """Return whether a file begins as a tar: with a header, whose checksum then is right, or with the end mark."""
    return head[257:262] == b"ustar" or is_header(head) or head == bytes(BLOCK)
