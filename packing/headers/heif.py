"""Takes the EXIF data out of a HEIC or AVIF (ISO 23008-12). How such a picture is turned is said elsewhere in it."""

from __future__ import annotations

from packing.headers.base import Header

MARK = b"ftyp"  # after the length of the first box
_EXIF, _UNKNOWN = b"Exif", b"skip"
_META = b"meta"


def read(content: bytes) -> Header:
    """Return the picture with its item of EXIF renamed: decoders skip items of an unknown kind."""
    place = 0
    while place + 16 <= len(content):
        length = int.from_bytes(content[place : place + 4], "big")
        if length == 1:
            length = int.from_bytes(content[place + 8 : place + 16], "big")
        end = place + length if length else len(content)
        if content[place + 4 : place + 8] == _META:
            box = content[place:end]
            if _EXIF in box:
                content = content[:place] + box.replace(_EXIF, _UNKNOWN) + content[end:]
            break
        if length < 8:
            break
        place = end
    return Header("HEIF", content)
