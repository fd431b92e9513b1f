"""Reduces a JPEG to its first picture without EXIF, profiles and the list of an MPO's other pictures."""

from __future__ import annotations

from typing import Iterator, NamedTuple

from packing.headers import exif
from packing.headers.base import Header

MAGIC = b"\xff\xd8\xff"
END = b"\xff\xd9"
_SCAN = 0xDA
_COMMENT = 0xFE
_PLAIN = {0x01, *range(0xD0, 0xD9)}  # markers without a length
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # SOF0 to SOF15
_PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}
# JFIF (APP0) and Adobe (APP14) say how colours are stored; all other APPn may go.
_DROPPED = {*range(0xE1, 0xEE), 0xEF, _COMMENT}
_COEFFICIENT = 2  # bytes


class _Segment(NamedTuple):
    marker: int
    begin: int  # of the marker
    end: int


class _Frame(NamedTuple):
    """What a decoder has to hold of a picture whose scans do not tell whole pixels."""

    coefficients: int
    components: int
    progressive: bool


def read(content: bytes) -> Header:
    """Return a JPEG's picture. One of a structure that is not understood is given to the decoder as it is."""
    view = memoryview(content)
    kept: list[bytes | memoryview] = []
    turn: int | None = None
    frame: _Frame | None = None
    whole, held = 0, 0  # up to where it is copied; the decoder's memory
    scan = len(content)
    for marker, begin, end in _segments(content):
        if marker in _DROPPED:
            if marker == 0xE1 and turn is None and content.startswith(exif.MARK, begin + 4):
                turn = exif.orientation(content[begin + 4 : end])
            kept.append(view[whole:begin])
            whole = end
        elif marker in _FRAMES:
            frame = _frame(marker, content[begin + 4 : end])
        elif marker == _SCAN:
            scan = begin
            several = frame is not None and (frame.progressive or content[begin + 4] < frame.components)
            held = frame.coefficients if frame is not None and several else 0
    kept.append(view[whole:])
    return Header(
        "JPEG",
        b"".join(kept) if whole else content,
        orientation=exif.UPRIGHT if turn is None else turn,
        held=held,
        endless=content.rfind(END, scan) < 0,
        scans=content.count(b"\xff\xda", scan) if held else 1,
    )


def _segments(content: bytes) -> Iterator[_Segment]:
    """Yield the segments up to the first scan, or up to the first byte that begins none."""
    place = 2
    while place + 4 <= len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if marker == 0xFF:  # padding
            place += 1
            continue
        if marker in _PLAIN:
            place += 2
            continue
        end = place + 2 + int.from_bytes(content[place + 2 : place + 4], "big")
        if end < place + 4 or end > len(content):
            return
        yield _Segment(marker, place, end)
        if marker == _SCAN:
            return
        place = end


def _frame(marker: int, body: bytes) -> _Frame | None:
    if len(body) < 6 or len(body) < 6 + 3 * body[5]:
        return None
    height, width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
    samples = [(place >> 4, place & 15) for place in body[7 : 6 + 3 * body[5] : 3]]
    widest = max((across for across, _ in samples), default=1) or 1
    tallest = max((down for _, down in samples), default=1) or 1
    share = sum(across * down for across, down in samples) / (widest * tallest)
    return _Frame(int(height * width * share) * _COEFFICIENT, len(samples), marker in _PROGRESSIVE)
