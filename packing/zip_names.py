"""The names in a zip as text. A zip says only whether a name is UTF-8, and many programs do not even say that.

In this order: the Unicode path that Info-ZIP and WinZip store beside the name, UTF-8 wherever the bytes are UTF-8, and
a guess among the code pages of people's machines, one for the whole archive.
"""

from __future__ import annotations

import struct
import zlib
from typing import Iterable

from packing.code_pages import likeliest
from packing.names import normal

_UNICODE_PATH = 0x7075
_MOST_GUESSED = 500  # names that a guess is made from


class ZipNames:
    """Decodes the names of one zip. ``code_page`` is the guess; None where none was needed."""

    def __init__(self, entries: Iterable[tuple[bytes, bool, bytes]]) -> None:
        """Look at all entries: the raw name, whether it is flagged as UTF-8, and the extra field."""
        self.code_page: str | None = None
        undecided: list[bytes] = []
        for raw, flagged, extra in entries:
            if not raw.isascii() and self._told(raw, flagged, extra) is None:
                undecided.append(raw)
                if len(undecided) == _MOST_GUESSED:
                    break
        if undecided:
            self.code_page = likeliest(undecided)

    def decode(self, raw: bytes, flagged: bool, extra: bytes) -> str:
        """Return a name in its normal form. Backslashes separate folders, as old programs on Windows write them."""
        name = self._told(raw, flagged, extra)
        if name is None:
            name = raw.decode(self.code_page or "cp437", "surrogateescape")
        # Only now: the second byte of a Chinese, Japanese or Korean character may be that of a backslash.
        return normal(name.replace("\\", "/"))

    def _told(self, raw: bytes, flagged: bool, extra: bytes) -> str | None:
        """Return a name as the archive tells it; None if it must be guessed."""
        for name, sure in ((_unicode_path(raw, extra), True), (raw, flagged)):
            try:
                text = name.decode("utf-8")
            except UnicodeDecodeError:
                continue
            # Two bytes are UTF-8 by chance now and then, three hardly ever. Names of one archive are of one kind.
            if text and (sure or self.code_page is None or text.isascii() or max(text) >= "\u0800"):
                return text
        return None if raw else ""


def _unicode_path(raw: bytes, extra: bytes) -> bytes:
    """Return the Unicode path of an entry's extra field, if its checksum says that it belongs to this name."""
    place = 0
    while place + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, place)
        field = extra[place + 4 : place + 4 + length]
        if kind == _UNICODE_PATH and length > 5 and field[:5] == struct.pack("<BL", 1, zlib.crc32(raw)):
            return field[5:]
        place += 4 + length
    return b""
