"""What a picture's file says of itself before a decoder sees it, and what of it the decoder gets."""

from __future__ import annotations

from typing import NamedTuple

from packing.headers.exif import UPRIGHT


class Header(NamedTuple):
    """A picture's file, reduced to its pixels."""

    kind: str  # Pillow's name of the format
    content: bytes  # what the decoder gets: no text, profile, EXIF or second picture
    size: tuple[int, int] | None = None  # of the canvas, where a decoder would allocate it at once
    animated: bool = False
    orientation: int = UPRIGHT  # of EXIF
    held: int = 0  # bytes that the decoder holds beside its output
    endless: bool = False  # a JPEG without its end mark
    scans: int = 1  # of a JPEG, each of which goes over all pixels


class HeaderError(Exception):
    """The file's structure is damaged; the text says how."""
