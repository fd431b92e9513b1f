"""Reduces a PNG to the chunks of its pixels (PNG 3, W3C 2025). Others may be large, damaged or of any kind.

An animation keeps its default image. Chunks without pixels may be damaged, as in libpng; the others may not.
"""

from __future__ import annotations

import struct
import zlib

from packing.headers.base import Header, HeaderError
from packing.headers.exif import UPRIGHT, orientation

MAGIC = b"\x89PNG\r\n\x1a\n"
_PIXELS = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
_END = struct.pack(">L4sL", 0, b"IEND", zlib.crc32(b"IEND"))
_TRANSPARENT = {0: 2, 2: 6}  # bytes of tRNS by colour type; a palette's has up to one for each colour
_PALETTE = 3


def read(content: bytes) -> Header:
    """Return a PNG's pixels.

    Raises:
        HeaderError: a chunk of pixels is damaged or missing.
    """
    view = memoryview(content)
    kept: list[bytes | memoryview] = [MAGIC]
    colour, turn, animated, place = -1, UPRIGHT, False, len(MAGIC)
    while place + 8 <= len(view):
        length, kind = struct.unpack_from(">L4s", view, place)
        chunk = view[place : place + 12 + length]
        place += len(chunk)
        if not _is_whole(chunk, kind, length):
            continue
        body = chunk[8:-4]
        if kind == b"IHDR" and length == 13:
            colour = body[9]
        elif kind == b"tRNS" and not _fits(colour, length):
            continue
        elif kind == b"eXIf":
            turn = orientation(bytes(body))
        elif kind == b"acTL" and length == 8:
            animated = int.from_bytes(body[:4], "big") > 1
        if kind == b"IEND":
            break
        if kind == b"tRNS" or (kind in _PIXELS and not (kind == b"PLTE" and colour != _PALETTE)):
            kept.append(chunk)
    if colour < 0 or not any(bytes(chunk[4:8]) == b"IDAT" for chunk in kept[1:]):
        raise HeaderError("it has no pixels")
    kept.append(_END)
    return Header("PNG", b"".join(kept), animated=animated, orientation=turn)


def _is_whole(chunk: memoryview, kind: bytes, length: int) -> bool:
    """Return whether a chunk is whole, or False for one that does no harm if it is not.

    Raises:
        HeaderError: it is damaged, and pixels depend on it.
    """
    critical = not kind[0] & 0x20
    if not kind.isalpha():
        raise HeaderError(f"it has a chunk {kind!r}")
    if critical and kind not in _PIXELS:
        raise HeaderError(f"it has pixels of an unknown kind ({kind.decode('ascii')})")
    if len(chunk) == 12 + length and zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:], "big"):
        return True
    if critical:
        raise HeaderError(f"its chunk {kind.decode('ascii')} is cut off or damaged")
    return False


def _fits(colour: int, length: int) -> bool:
    """Return whether so long a tRNS says something about this colour type."""
    return 1 <= length <= 256 if colour == _PALETTE else length == _TRANSPARENT.get(colour)
