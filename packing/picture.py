"""Decodes one picture to pixels of a given size. Every kind of damage raises the same error."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from typing import Iterator, NamedTuple, Sequence

from PIL import Image, ImageFile, UnidentifiedImageError

from models.messages import MemberFaults, Message, PictureKinds
from packing import headers
from packing.codecs import FORMATS, missing
from packing.errors import DamagedError
from packing.headers.exif import ORIENTATION, UPRIGHT
from packing.headers.jpeg import END
from packing.limits import (
    MEMORY,
    MOST_HELD,
    MOST_PIXELS,
    MOST_PIXELS_OF_FOUR,
    MOST_PIXELS_OF_JPEG,
    MOST_PIXELS_OF_WEBP,
    MOST_SCANS,
    MOST_SIDE,
)

GREY = {"1", "L", "LA", "I", "I;16", "I;16B", "I;16L"}
# Modes whose pixels take four bytes, and another four while they become plain colours.
_FOUR = {"LA", "PA", "La", "RGBA", "RGBa", "CMYK", "YCbCr", "LAB", "HSV"}
# Larger pictures change their mode in bands, so that no third copy of their pixels is made.
_BAND = 4_000_000
# Where pixels of a JPEG without its end mark are missing, these bytes change them.
_OTHER_PIXELS = bytes(range(1, 250)) * 16
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
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS_OF_JPEG  # the largest limit; the others are checked here
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    warnings.simplefilter("ignore")
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def look(content: bytes) -> Header:
    """Return what the header says, and check what can be checked without decoding.

    Raises:
        DamagedError: it is none, or not one that may be decoded.
    """
    image = _open(_header(content))
    return Header(image.size, image.mode in GREY)


def decode(content: bytes, side: int, *, grey: bool) -> Pixels:
    """Return the picture, its shorter side scaled to ``side`` and its middle cut out.

    Raises:
        DamagedError: the pixels are not all there.
    """
    header = _header(content)
    try:
        image = _continued(header, side) if header.endless else _loaded(header, side)
        animated, orientation = header.animated, header.orientation
        if image.format == "AVIF":
            # Pillow tells the turn of the picture itself by EXIF data of its own.
            animated, orientation = getattr(image, "is_animated", False), image.getexif().get(ORIENTATION, UPRIGHT)
        done = {"animated"} if animated else set()
        pixels = image._new(image.im)
        del image  # and with it the decoder, which may hold more copies
        square = _scaled(_plain(pixels, done, grey=grey), side)
    except MemoryError as error:
        raise DamagedError(_too_much_memory()) from error
    except _DAMAGE as error:
        raise DamagedError(MemberFaults.damaged_picture(error=_said(error))) from error
    turn = _TURNED.get(orientation)
    if turn is not None:
        done.add("turned")
        square = square.transpose(turn)
    return Pixels(square, done)


def from_planes(pixels: bytes, shape: Sequence[int]) -> Image.Image:
    """Return the picture of these bytes, channel by channel; ``shape`` is (1 or 3, height, width)."""
    channels, height, width = shape
    area = height * width
    bands = [Image.frombytes("L", (width, height), pixels[n * area : (n + 1) * area]) for n in range(channels)]
    return bands[0] if channels == 1 else Image.merge("RGB", bands)


def _header(content: bytes) -> headers.Header:
    """Return the picture's header, checked as far as a decoder allocates by it.

    Raises:
        DamagedError: it is damaged or claims too many pixels.
    """
    try:
        header = headers.read(content)
    except headers.HeaderError as error:
        raise DamagedError(MemberFaults.damaged_picture(error=str(error))) from error
    if header.size is not None:
        _check_count(header.size, MOST_PIXELS_OF_WEBP, PictureKinds.webp_or_avif())
    return header


def _open(header: headers.Header) -> ImageFile.ImageFile:
    try:
        image = Image.open(io.BytesIO(header.content), formats=FORMATS)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        most = MOST_PIXELS_OF_JPEG if header.kind == "JPEG" else MOST_PIXELS
        raise DamagedError(MemberFaults.too_many_pixels(count=most // 1_000_000)) from error
    except UnidentifiedImageError as error:
        raise DamagedError(_unknown(header.content)) from error
    except MemoryError as error:
        raise DamagedError(_too_much_memory()) from error
    except _DAMAGE as error:
        raise DamagedError(MemberFaults.damaged_picture(error=_said(error))) from error
    if min(image.size) < 1:
        raise DamagedError(MemberFaults.no_pixels())
    if max(image.size) > MOST_SIDE:
        raise DamagedError(MemberFaults.too_long_side(count=MOST_SIDE))
    if image.format == "JPEG":
        _check_count(image.size, MOST_PIXELS_OF_JPEG)
        if header.held > MOST_HELD:
            raise DamagedError(_too_much_memory())
        if header.scans > MOST_SCANS:
            raise DamagedError(MemberFaults.takes_too_long())
    else:
        _check_size(image)
    return image


def _check_size(image: ImageFile.ImageFile) -> None:
    """Refuse a picture whose pixels, as many as will be decoded, do not fit into the process.

    Raises:
        DamagedError: they do not.
    """
    if image.format in {"AVIF", "HEIF"}:
        _check_count(image.size, MOST_PIXELS_OF_WEBP, PictureKinds.webp_or_avif())
    if image.mode in _FOUR or (image.mode == "RGB" and "transparency" in image.info):
        _check_count(image.size, MOST_PIXELS_OF_FOUR, PictureKinds.four_channels())
    _check_count(image.size, MOST_PIXELS)


def _check_count(size: tuple[int, int], most: int, kind: Message | None = None) -> None:
    if size[0] * size[1] > most:
        count = most // 1_000_000
        too_many = MemberFaults.too_many_pixels(count=count)
        raise DamagedError(too_many if kind is None else MemberFaults.too_many_of_kind(count=count, kind=kind))


def _loaded(header: headers.Header, side: int) -> ImageFile.ImageFile:
    """Return the picture, decoded at its size or, a JPEG, at a part of it.

    Raises:
        DamagedError: it would take too much memory.
    """
    image = _open(header)
    # A JPEG can be decoded at a half, a quarter or an eighth of its size, never below what is asked for.
    image.draft(None, (2 * side, 2 * side))
    _check_size(image)
    if header.kind == "JPEG" and header.held + 4 * image.width * image.height > MOST_HELD:
        raise DamagedError(_too_much_memory())
    image.load()
    return image


def _continued(header: headers.Header, side: int) -> ImageFile.ImageFile:
    """Return a JPEG without its end mark, if what may follow changes none of its pixels.

    Raises:
        OSError: it is cut off.
    """
    content = header.content[:-1] if header.content.endswith(END[:1]) else header.content
    other = _checksum(_loaded(header._replace(content=content + _OTHER_PIXELS + END), side))
    image = _loaded(header._replace(content=content + END), side)
    if _checksum(image) != other:
        raise OSError("it is cut off")
    return image


def _checksum(image: Image.Image) -> int:
    found = 0
    for band in _bands(image):
        found = zlib.crc32(band.tobytes(), found)
    return found


def _unknown(content: bytes) -> Message:
    """Return why a file is not known as a picture."""
    library = missing(content)
    if library is not None:
        return MemberFaults.library_missing(library=library)
    return MemberFaults.no_picture_format() if content else MemberFaults.empty_member()


def _plain(image: Image.Image, done: set[str], *, grey: bool) -> Image.Image:
    """Return the picture in mode L or RGB, with eight bits per channel."""
    changed = _change(image)
    if changed:
        done.add(changed)
    wanted = "L" if grey else "RGB"
    if image.mode == wanted and not changed:
        return image
    if image.width * image.height <= _BAND:
        return _converted(image, wanted)
    plain = Image.new(wanted, image.size)
    top = 0
    for band in _bands(image):
        plain.paste(_converted(band, wanted), (0, top))
        top += band.height
    return plain


def _bands(image: Image.Image) -> Iterator[Image.Image]:
    """Yield the picture in bands of whole rows."""
    rows = max(1, _BAND // image.width)
    for top in range(0, image.height, rows):
        yield image.crop((0, top, image.width, min(image.height, top + rows)))


def _change(image: Image.Image) -> str | None:
    """Return how the picture changes when it becomes plain, if it does."""
    mode = image.mode
    if mode in {"I", "I;16", "I;16L", "I;16B"}:
        return "deep"
    if mode in {"LA", "PA", "RGBA", "La", "RGBa"} or "transparency" in image.info:
        return "transparent"
    if mode == "P":
        return "palette"
    return None if mode in {"1", "L", "RGB"} else mode


def _converted(image: Image.Image, wanted: str) -> Image.Image:
    changed = _change(image)
    if image.mode == "I":
        image = image.point(lambda value: value * (1 / 257)).convert("L")
    elif changed == "deep":
        # 65,535 is 255 times 257, so the high byte of each pixel is its value in 8 bits.
        high = 0 if image.mode == "I;16B" else 1
        image = Image.frombytes("L", image.size, image.tobytes()[high::2])
    elif changed == "transparent":
        image = _over_white(image)
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


def _too_much_memory() -> Message:
    return MemberFaults.takes_too_much_memory(size=MEMORY >> 20)


def _said(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text[:150] or type(error).__name__
