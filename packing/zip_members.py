"""Reads the directory of a zip entry by entry, and its members one by one (APPNOTE 6.3.10).

`zipfile` reads the whole directory before anything else, and keeps every entry: 1 kB each, and as many as the archive
claims. Here the end of the directory is found by zipfile's own function, so that both see the same directory, and the
entries are counted before they are read.
"""

from __future__ import annotations

import bz2
import lzma
import stat
import struct
import zipfile
import zlib
from array import array
from bisect import bisect_right
from typing import BinaryIO, Callable, Iterator, NamedTuple, Protocol

from models.messages import ArchiveFaults, MemberFaults, Remedies
from packing.errors import RefusedError, printable, refuse_file
from packing.limits import MOST_MEMBERS

_PIECE = 1 << 20
_METHODS = {
    1: "Shrink",
    6: "Implode",
    9: "Deflate64",
    10: "Implode",
    18: "TERSE",
    19: "LZ77",
    20: "Zstandard",
    93: "Zstandard",
    94: "MP3",
    95: "XZ",
    96: "JPEG",
    97: "WavPack",
    98: "PPMd",
    99: "AES",
}
_ENTRY = struct.Struct("<4s4B4HL2L5H2L")
_ENTRY_MARK = b"PK\1\2"
_HEADER = struct.Struct("<4s2B4HL2L2H")
_HEADER_MARK = b"PK\3\4"
_WIDE = 1  # the extra field with sizes of 64 bits
_FULL = 0xFFFF_FFFF  # says that the number is there
_ENCRYPTED, _PATCH, _STRONG, _UTF8 = 0x01, 0x20, 0x40, 0x800
_END64_AND_LOCATOR = 56 + 20


# What is raised for a damaged archive, here and in the libraries that unpack it.
DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError)


class _Reader(Protocol):
    """Unpacks a stream, no more at a time than asked for."""

    @property
    def eof(self) -> bool:
        """Whether the stream has ended."""

    @property
    def needs_input(self) -> bool:
        """Whether nothing comes out before more is put in."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Put packed bytes in; return at most so many unpacked ones."""


class _Stored:
    eof, needs_input = False, True

    def decompress(self, data: bytes, max_length: int, /) -> bytes:  # noqa: ARG002 - as much as was put in
        return data


class _Deflated:
    def __init__(self) -> None:
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)

    @property
    def eof(self) -> bool:
        return self._inflater.eof

    @property
    def needs_input(self) -> bool:
        return not self._inflater.unconsumed_tail

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return self._inflater.decompress(self._inflater.unconsumed_tail + data, max_length)


class _Lzma:
    """LZMA as zip has it: a header of its own, then a raw stream, with or without a mark at its end."""

    _HEADER = struct.Struct("<2xHBL")

    def __init__(self) -> None:
        self._head = b""
        self._decompressor: lzma.LZMADecompressor | None = None

    @property
    def eof(self) -> bool:
        return self._decompressor is not None and self._decompressor.eof

    @property
    def needs_input(self) -> bool:
        return self._decompressor is None or self._decompressor.needs_input

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        if self._decompressor is None:
            self._head += data
            if len(self._head) < self._HEADER.size:
                return b""
            length, packed, dictionary = self._HEADER.unpack_from(self._head)
            if length != 5 or packed >= 9 * 5 * 5:
                raise zipfile.BadZipFile("its LZMA header is damaged")
            fields = {"lc": packed % 9, "lp": packed // 9 % 5, "pb": packed // 45, "dict_size": dictionary}
            self._decompressor = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA1, **fields}])
            data = self._head[self._HEADER.size :]
        return self._decompressor.decompress(data, max_length)


_READERS: dict[int, Callable[[], _Reader]] = {
    zipfile.ZIP_STORED: _Stored,
    zipfile.ZIP_DEFLATED: _Deflated,
    zipfile.ZIP_BZIP2: bz2.BZ2Decompressor,
    zipfile.ZIP_LZMA: _Lzma,
}


class Entry(NamedTuple):
    """A member as the directory describes it."""

    raw_name: bytes
    flags: int
    method: int
    crc: int
    packed: int  # bytes
    size: int  # bytes when unpacked
    mode: int  # of Unix, 0 if unknown
    header: int  # where its own header begins
    extra: bytes

    @property
    def is_utf8(self) -> bool:
        """Whether the name is flagged as UTF-8."""
        return bool(self.flags & _UTF8)

    @property
    def kind(self) -> int:
        """The kind of file, 0 if unknown."""
        return stat.S_IFMT(self.mode)

    @property
    def is_encrypted(self) -> bool:
        """Whether it needs a password."""
        return bool(self.flags & (_ENCRYPTED | _STRONG))


class Directory:
    """The directory of a zip: where it is, and where each member ends. ``file`` may be read only through it.

    ``headers`` tells where the members begin, for one that is read a second time.
    """

    def __init__(self, file: BinaryIO, headers: array[int] | None = None) -> None:
        """Find it and count its entries.

        Raises:
            RefusedError: it has too many entries.
            zipfile.BadZipFile: it is damaged, or two members share the same bytes.
        """
        self._file = file
        record = zipfile._EndRecData(file)  # type: ignore[attr-defined]
        if not record:
            raise zipfile.BadZipFile("its end is missing")
        mark, count, size, offset, location = record[0], record[4], record[5], record[6], record[9]
        if count > MOST_MEMBERS:
            raise RefusedError(ArchiveFaults.too_many_members_claimed(count=MOST_MEMBERS), Remedies.send_fewer())
        self._end = location - (_END64_AND_LOCATOR if mark == b"PK\6\6" else 0)
        self._begin = self._end - size
        self._before = self._begin - offset  # bytes before the archive, such as a program that unpacks it
        if self._begin < 0:
            raise zipfile.BadZipFile("its directory is missing")
        self.headers = self._counted() if headers is None else headers

    def _counted(self) -> array[int]:
        headers = array("Q")
        for entry in self:
            if len(headers) == MOST_MEMBERS:
                raise RefusedError(ArchiveFaults.too_many_members(count=MOST_MEMBERS), Remedies.send_fewer())
            headers.append(entry.header)
        headers = array("Q", sorted(headers))
        if any(headers[n] == headers[n + 1] for n in range(len(headers) - 1)):
            raise zipfile.BadZipFile("two of its members overlap")
        return headers

    def __iter__(self) -> Iterator[Entry]:
        """Yield the entries; members may be read meanwhile.

        Raises:
            zipfile.BadZipFile: it is damaged.
        """
        place = self._begin
        while place < self._end:
            self._file.seek(place)
            head = self._file.read(_ENTRY.size)
            if len(head) < _ENTRY.size or not head.startswith(_ENTRY_MARK):
                raise zipfile.BadZipFile("its directory is damaged")
            fields = _ENTRY.unpack(head)
            lengths = fields[12:15]
            rest = self._file.read(sum(lengths))
            name, extra = rest[: lengths[0]], rest[lengths[0] : lengths[0] + lengths[1]]
            size, packed, header = _wide(extra, (fields[11], fields[10], fields[18]))
            header += self._before
            if not 0 <= header < self._begin:
                raise zipfile.BadZipFile("its directory points outside of it")
            yield Entry(name, fields[5], fields[6], fields[9], packed, size, fields[17] >> 16, header, extra)
            place += _ENTRY.size + sum(lengths)

    def read(self, entry: Entry, name: str) -> Iterator[bytes]:
        """Yield what a member holds, in pieces of up to 1 MB. ``name`` is for errors.

        Raises:
            RefusedError: it is compressed with another method.
            zipfile.BadZipFile, zlib.error, …: it is damaged.
        """
        if entry.method not in _READERS or entry.flags & _PATCH:
            method = f"{_METHODS.get(entry.method, 'method')} {entry.method}"
            problem = MemberFaults.packed_by_another_method(method=method)
            raise refuse_file(name, problem, Remedies.pack_with_deflate())
        self._file.seek(entry.header)
        head = self._file.read(_HEADER.size)
        if len(head) < _HEADER.size or not head.startswith(_HEADER_MARK):
            raise zipfile.BadZipFile("a member's header is missing")
        begin = entry.header + _HEADER.size + sum(_HEADER.unpack(head)[10:12])
        following = bisect_right(self.headers, entry.header)
        end = self.headers[following] if following < len(self.headers) else self._begin
        if begin + entry.packed > end:
            raise zipfile.BadZipFile("two of its members overlap")
        self._file.seek(begin)
        return _checked(self._pieces(entry, name), entry, name)

    def _pieces(self, entry: Entry, name: str) -> Iterator[bytes]:
        packed = entry.packed
        reader = _READERS[entry.method]()
        while not reader.eof:
            piece = self._file.read(min(_PIECE, packed)) if reader.needs_input else b""
            packed -= len(piece)
            content = reader.decompress(piece, _PIECE)
            if not piece and not content and not reader.eof:
                raise EOFError(f"{printable(name)} ends early")
            yield content


def _checked(pieces: Iterator[bytes], entry: Entry, name: str) -> Iterator[bytes]:
    """Yield as many bytes as the directory says.

    Raises:
        zipfile.BadZipFile: they are others than were packed.
    """
    left, crc = entry.size, 0
    while left:
        content = next(pieces, None)
        if content is None:
            raise EOFError(f"{printable(name)} ends early")
        content = content[:left]
        crc = zlib.crc32(content, crc)
        left -= len(content)
        yield content
    if crc != entry.crc:
        raise zipfile.BadZipFile(f"wrong checksum of {printable(name)}")


def _wide(extra: bytes, numbers: tuple[int, ...]) -> list[int]:
    """Return the numbers of an entry, of 64 bits where its extra field has them."""
    place = 0
    wide = b""
    while place + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, place)
        if kind == _WIDE:
            wide = extra[place + 4 : place + 4 + length]
            break
        place += 4 + length
    found = []
    for number in numbers:
        if number == _FULL and wide:
            if len(wide) < 8:
                raise zipfile.BadZipFile("its directory is damaged")
            (number,) = struct.unpack_from("<Q", wide)  # noqa: PLW2901 - the same number, whole
            wide = wide[8:]
        found.append(number)
    return found
