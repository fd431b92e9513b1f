"""Reads the members of a tar: the old form, ustar, GNU, PAX. A header is checked before what it describes is read.

Python's own reader trusts numbers in headers: a negative size sends it in circles, and a record of a million digits
takes it minutes.
"""

from __future__ import annotations

import struct
from typing import Any, Callable, Dict, Iterator, NamedTuple

from models.messages import ArchiveFaults, MessageError
from packing.limits import MOST_UNPACKED

BLOCK = 512
_PIECE = 1 << 20
# The largest header of a member's long name or attributes. Names have 1,024 characters at most, and file systems keep
# up to 64 kB of attributes.
_MOST_EXTRA = 1 << 20
# How many of these may precede one member. GNU writes two, PAX one and one for all members.
_MOST_EXTRAS = 8
_LONGEST_NUMBER = 20  # digits

FILES = {b"0", b"\0", b"7"}
FOLDERS = {b"5", b"D"}
HARD_LINK, SYMBOLIC_LINK, SPARSE = b"1", b"2", b"S"
_LABEL = b"V"
_LONG_NAME, _LONG_LINK = b"L", b"K"
_PAX, _PAX_FOR_ALL = {b"x", b"X"}, b"g"
# Keywords in PAX headers that are used here, and how those of sparse files begin. A header of 1 MB holds 100,000
# others, which would be searched for each member if they were kept.
_KEYWORDS = {"path", "size", "GNU.sparse.name"}
_SPARSE_KEYWORD = "GNU.sparse."
# Kinds whose size is only told: no data follows.
_WITHOUT_DATA = {HARD_LINK, SYMBOLIC_LINK, b"3", b"4", b"5", b"6"}

_Facts = Dict[str, bytes]


class TarError(MessageError):
    """The archive is damaged or made by hand; the message says where."""


class TarMember(NamedTuple):
    """A member: its name, its type as a tar tells it, and the size of its content."""

    name: str
    kind: bytes
    size: int


class _Header(NamedTuple):
    name: bytes
    kind: bytes
    size: int


class Tar:
    """The members of a tar in their order. Iterate it once; `content` gives the bytes of the latest member.

    ``file`` needs ``read`` alone. With ``seek``, members that nobody reads are skipped without being read.
    """

    def __init__(self, file: Any, seek: Callable[[int], Any] | None = None) -> None:
        self._file = file
        self._seek = seek
        self._at = 0  # the position in the file
        self._next = 0  # where the next header stands
        self._for_all: _Facts = {}

    def __iter__(self) -> Iterator[TarMember]:
        while True:
            member = self._member()
            if member is None:
                return
            yield member

    def content(self, member: TarMember) -> Iterator[bytes]:
        """Yield the bytes of the latest member, in pieces; fewer than it claims if the archive ends before."""
        left = member.size
        while left:
            piece = self._read(min(left, _PIECE))
            if not piece:
                return
            left -= len(piece)
            yield piece

    def _member(self) -> TarMember | None:
        """Return the next member with what the headers before it say of it; None at the end.

        Raises:
            TarError
            EOFError: the archive ends without its end mark.
        """
        facts: _Facts = {}
        for _ in range(_MOST_EXTRAS):
            header = self._header()
            if header is None:
                return None
            if header.kind in _PAX:
                facts.update(_records(self._extra(header)))
            elif header.kind == _PAX_FOR_ALL:
                self._for_all.update(_records(self._extra(header)))
            elif header.kind == _LONG_NAME:
                facts["path"] = self._extra(header).partition(b"\0")[0]
            elif header.kind == _LONG_LINK:
                self._extra(header)
            elif header.kind == _LABEL:
                self._begin(header.size)
            else:
                return self._described(header, {**self._for_all, **facts})
        raise TarError(ArchiveFaults.tar_extras(limit=_MOST_EXTRAS))

    def _described(self, header: _Header, facts: _Facts) -> TarMember:
        name = _text(facts.get("path") or header.name)
        size = _decimal(facts["size"]) if "size" in facts else header.size
        kind = header.kind
        if _SPARSE_KEYWORD in facts:
            kind = SPARSE
            name = _text(facts.get("GNU.sparse.name") or facts.get("path") or header.name)
        elif kind == b"\0" and name.endswith("/"):  # the old form has no type for folders
            kind = b"5"
        self._begin(0 if kind in _WITHOUT_DATA else size)
        return TarMember(name, kind, 0 if kind in _WITHOUT_DATA else size)

    def _header(self) -> _Header | None:
        self._skip()
        block = self._exactly(BLOCK)
        if block == bytes(BLOCK):
            return None
        if not block and self._at and self._seek is None:
            return None  # a compressed one is complete when its checksum is right, which is read later
        if len(block) < BLOCK:
            raise EOFError(ArchiveFaults.tar_end_missing())
        self._next = self._at
        if not is_header(block):
            raise TarError(ArchiveFaults.tar_checksum())
        name = block[:100].partition(b"\0")[0]
        prefix = block[345:500].partition(b"\0")[0]
        if prefix and block[257:263] == b"ustar\0":
            name = prefix + b"/" + name
        return _Header(name, block[156:157], _number(block[124:136]))

    def _extra(self, header: _Header) -> bytes:
        """Return the content of a header that describes the next one."""
        if header.size > _MOST_EXTRA:
            raise TarError(ArchiveFaults.tar_extra_too_large(size=header.size, limit=_MOST_EXTRA))
        self._begin(header.size)
        content = self._exactly(header.size)
        if len(content) < header.size:
            raise EOFError(ArchiveFaults.tar_end_missing())
        return content

    def _begin(self, size: int) -> None:
        """Note where the next header stands, behind content of this size."""
        if size > MOST_UNPACKED:
            raise TarError(ArchiveFaults.tar_size(size=size))
        self._next = self._at + -(-size // BLOCK) * BLOCK

    def _skip(self) -> None:
        """Go to the next header."""
        if self._seek is not None:
            self._seek(self._next)
            self._at = self._next
        while self._at < self._next:
            if not self._read(min(self._next - self._at, _PIECE)):
                raise EOFError(ArchiveFaults.tar_end_missing())

    def _exactly(self, size: int) -> bytes:
        """Return so many bytes, or fewer at the end of the file."""
        content = self._read(size)
        while len(content) < size:
            piece = self._read(size - len(content))
            if not piece:
                break
            content += piece
        return content

    def _read(self, size: int) -> bytes:
        piece = bytes(self._file.read(size))
        self._at += len(piece)
        return piece


def is_header(block: bytes) -> bool:
    """Return whether a block is the header of a member: whether its checksum is right."""
    if len(block) != BLOCK:
        return False
    try:
        stated = _octal(block[148:156])
    except TarError:
        return False
    # Some old programs summed up signed bytes.
    unsigned = sum(block) - sum(block[148:156]) + 8 * 32
    return stated == unsigned or stated == sum(struct.unpack("148b8x356b", block)) + 8 * 32


def _number(field: bytes) -> int:
    """Return a number from a header.

    Raises:
        TarError: it is none, or negative.
    """
    if not field[0] & 0x80:
        return _octal(field)
    if field[0] & 0x40:
        raise TarError(ArchiveFaults.tar_number(value=str(int.from_bytes(field, "big", signed=True))))
    return int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")


def _octal(field: bytes) -> int:
    digits = field.partition(b"\0")[0].strip(b" ")
    if digits.strip(b"01234567"):
        raise TarError(ArchiveFaults.tar_number(value=_shown(digits)))
    return int(digits or b"0", 8)


def _decimal(value: bytes) -> int:
    if len(value) > _LONGEST_NUMBER or not value.isdigit():
        raise TarError(ArchiveFaults.tar_number(value=_shown(value)))
    return int(value)


def _records(content: bytes) -> _Facts:
    """Return the records of a PAX header by keyword: those that are used, and a mark for those of sparse files.

    Each record is its length in digits, a blank, the keyword, "=", the value, and a newline.

    Raises:
        TarError: they are not of this form.
    """
    found: _Facts = {}
    at = 0
    while at < len(content) and content[at]:
        blank = content.find(b" ", at, at + _LONGEST_NUMBER + 1)
        length = _decimal(content[at:blank]) if blank > at else 0
        end = at + length
        raw, equals, value = content[blank + 1 : end - 1].partition(b"=")
        if not equals or end > len(content) or content[end - 1 : end] != b"\n":
            raise TarError(ArchiveFaults.tar_record(start=_shown(content[at:])))
        keyword = _text(raw)
        if keyword.startswith(_SPARSE_KEYWORD):
            found[_SPARSE_KEYWORD] = b""
        if keyword in _KEYWORDS:
            found[keyword] = value
        at = end
    return found


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _shown(value: bytes) -> str:
    """Return the beginning of a value for a message."""
    return value[:_LONGEST_NUMBER].decode("ascii", "replace").encode("unicode_escape").decode()
