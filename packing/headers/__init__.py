"""Headers of picture files: what is read before a decoder allocates anything."""

from __future__ import annotations

from packing.headers import heif, jpeg, png, webp
from packing.headers.base import Header, HeaderError

__all__ = ["Header", "HeaderError", "read"]


def read(content: bytes) -> Header:
    """Return what a picture's file says of itself; of a kind without its own reader, the file as it is.

    Raises:
        HeaderError: it is damaged.
    """
    if content.startswith(png.MAGIC):
        return png.read(content)
    if content.startswith(jpeg.MAGIC):
        return jpeg.read(content)
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return webp.read(content)
    if content[4:8] == heif.MARK:
        return heif.read(content)
    return Header("", content)
