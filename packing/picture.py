"""Decodes one picture to pixels of a given size. Every kind of damage raises the same error."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from typing import NamedTuple, Sequence

from PIL import Image, ImageFile, UnidentifiedImageError

from models.messages import MemberFaults, Message
from packing.codecs import FORMATS, missing
from packing.errors import DamagedError
from packing.limits import MOST_PIXELS

GREY = {"1", "L", "LA", "I", "I;16", "I;16B", "I;16L"}
_ORIENTATION = 0x0112  # EXIF: how the camera was held
_TURNED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Errors that Pillow's decoders raise for damaged files.
_DAMAGE = (
    *(OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError, RuntimeError),
    *(OverflowError, ZeroDivisionError, struct.error, zlib.error),
)


class Header(NamedTuple):
    """What a picture's header says."""

    size: tuple[int, int]
    grey: bool


class Pixels(NamedTuple):
    """A picture as it will be stored, and how it was changed."""

    image: Image.Image
    done: set[str]

    def planes(self) -> bytes:
        """Return its bytes, channel by channel, row by row."""
        return b"".join(band.tobytes() for band in self.image.split())


def be_strict() -> None:
    """Make Pillow refuse pictures that are too large or truncated, in the whole process."""
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    warnings.simplefilter("ignore")
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def look(content: bytes) -> Header:
    """Return what the header says, and check what can be checked without decoding.

    Raises:
        DamagedError: it is none, or not one that may be decoded.
    """
    image = _open(content)
    header = Header(image.size, image.mode in GREY)
    if min(image.size) < 1:
        raise DamagedError(MemberFaults.no_pixels())
    if image.format == "PNG":
        try:
            image.verify()
        except _DAMAGE as error:
            raise DamagedError(MemberFaults.damaged_picture(error=_said(error))) from error
    return header


def decode(content: bytes, side: int, *, grey: bool) -> Pixels:
    """Return the picture, its shorter side scaled to ``side`` and its middle cut out.

    Raises:
        DamagedError: the pixels are not all there.
    """
    image = _open(content)
    done: set[str] = set()
    try:
        # A JPEG can be decoded at a half, a quarter or an eighth of its size, never below what is asked for.
        image.draft(None, (2 * side, 2 * side))
        image.load()
        if getattr(image, "is_animated", False) and image.format in {"PNG", "WEBP", "AVIF"}:
            done.add("animated")
        turn = _TURNED.get(image.getexif().get(_ORIENTATION, 1)) if "exif" in image.info else None
        square = _scaled(_plain(image, done, grey=grey), side)
        if turn is not None:
            done.add("turned")
            square = square.transpose(turn)
    except _DAMAGE as error:
        raise DamagedError(MemberFaults.damaged_picture(error=_said(error))) from error
    return Pixels(square, done)


def from_planes(pixels: bytes, shape: Sequence[int]) -> Image.Image:
    """Return the picture of these bytes, channel by channel; ``shape`` is (1 or 3, height, width)."""
    channels, height, width = shape
    area = height * width
    bands = [Image.frombytes("L", (width, height), pixels[n * area : (n + 1) * area]) for n in range(channels)]
    return bands[0] if channels == 1 else Image.merge("RGB", bands)


def _open(content: bytes) -> ImageFile.ImageFile:
    try:
        return Image.open(io.BytesIO(content), formats=FORMATS)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise DamagedError(MemberFaults.too_many_pixels(count=MOST_PIXELS // 1_000_000)) from error
    except UnidentifiedImageError as error:
        raise DamagedError(_unknown(content)) from error
    except _DAMAGE as error:
        raise DamagedError(MemberFaults.damaged_picture(error=_said(error))) from error


def _unknown(content: bytes) -> Message:
    """Return why a file is not known as a picture."""
    library = missing(content)
    if library is not None:
        return MemberFaults.library_missing(library=library)
    return MemberFaults.no_picture_format() if content else MemberFaults.empty_member()


def _plain(image: Image.Image, done: set[str], *, grey: bool) -> Image.Image:
    """Return the picture in mode L or RGB, with eight bits per channel."""
    mode = image.mode
    if mode in {"I;16", "I;16L", "I;16B"}:
        done.add("deep")
        # 65,535 is 255 times 257, so the high byte of each pixel is its value in 8 bits.
        high = 0 if mode == "I;16B" else 1
        image = Image.frombytes("L", image.size, image.tobytes()[high::2])
    elif mode == "I":
        done.add("deep")
        image = image.point(lambda value: value * (1 / 257)).convert("L")
    elif mode in {"LA", "PA", "RGBA", "La", "RGBa"} or "transparency" in image.info:
        done.add("transparent")
        image = _over_white(image)
    elif mode == "P":
        done.add("palette")
    elif mode not in {"1", "L", "RGB"}:
        done.add(mode)
    wanted = "L" if grey else "RGB"
    return image if image.mode == wanted else image.convert(wanted)


def _over_white(image: Image.Image) -> Image.Image:
    layer = image.convert("RGBA")
    paper = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(paper, layer).convert("RGB")


def _scaled(image: Image.Image, side: int) -> Image.Image:
    """Return the middle square, ``side`` pixels high and wide."""
    width, height = image.size
    if (width, height) == (side, side):
        return image
    edge = min(width, height)
    left, top = (width - edge) / 2, (height - edge) / 2
    box = (left, top, left + edge, top + edge)
    return image.resize((side, side), Image.Resampling.LANCZOS, box=box, reducing_gap=2.0)


def _said(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text[:150] or type(error).__name__
