"""Reads the canvas of a WebP (RFC 9649). Its decoder allocates the canvas twice before it reads a frame."""

from __future__ import annotations

from typing import Iterator

from packing.headers.base import Header
from packing.headers.exif import UPRIGHT, orientation

_ANIMATED = 2
# Bytes a pixel: two canvases, a lossless frame while it is decoded, and a copy of the frame.
_HELD = 16


def read(content: bytes) -> Header:
    """Return a WebP's canvas. The decoder refuses one that is damaged."""
    size: tuple[int, int] | None = None
    turn, animated = UPRIGHT, False
    for kind, body in _chunks(memoryview(content)):
        if kind == b"VP8X" and len(body) >= 10:
            animated = bool(body[0] & _ANIMATED)
            size = (1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little"))
        elif kind == b"VP8 " and size is None and len(body) >= 10:
            size = (
                int.from_bytes(body[6:8], "little") & 0x3FFF,
                int.from_bytes(body[8:10], "little") & 0x3FFF,
            )
        elif kind == b"VP8L" and size is None and len(body) >= 5:
            bits = int.from_bytes(body[1:5], "little")
            size = (1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
        elif kind == b"EXIF":
            turn = orientation(bytes(body))
    held = size[0] * size[1] * _HELD if size else 0
    return Header("WEBP", content, size or (0, 0), animated, turn, held)


def _chunks(view: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    place = 12
    while place + 8 <= len(view):
        length = int.from_bytes(view[place + 4 : place + 8], "little")
        yield bytes(view[place : place + 4]), view[place + 8 : place + 8 + length]
        place += 8 + length + (length & 1)
