"""Pixels count; text, profiles, EXIF data and further pictures of a file are ignored, however large or damaged."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from packing.errors import DamagedError
from packing.headers.exif import orientation
from packing.picture import be_strict, decode, look
from tests.packing.test_picture import BLUE, LIME, RED, WHITE, at_corners, corners, encoded

PNG_HEAD = 33  # bytes of the signature and IHDR


def chunk(kind: bytes, body: bytes, crc: int | None = None) -> bytes:
    """Return a chunk of a PNG."""
    return (
        struct.pack(">L", len(body)) + kind + body + struct.pack(">L", zlib.crc32(kind + body) if crc is None else crc)
    )


def png_with(*chunks: bytes, image: Image.Image | None = None) -> bytes:
    """Return a PNG of the four corners with more chunks before its pixels."""
    content = encoded(image or corners())
    return content[:PNG_HEAD] + b"".join(chunks) + content[PNG_HEAD:]


def exif(orientation: int) -> bytes:
    """Return EXIF data that say nothing else."""
    data = Image.Exif()
    data[0x0112] = orientation
    return data.tobytes()


def jpeg_with(*segments: tuple[int, bytes], **how) -> bytes:
    """Return a JPEG of the four corners with more segments at its beginning."""
    content = encoded(corners((64, 64)), "JPEG", quality=95, subsampling=0, **how)
    more = b"".join(bytes([0xFF, marker]) + struct.pack(">H", 2 + len(body)) + body for marker, body in segments)
    return content[:2] + more + content[2:]


def webp_with(kind: bytes, body: bytes) -> bytes:
    """Return a WebP of the four corners with one more chunk, with the flag for it set."""
    content = encoded(corners((64, 64)), "WEBP", lossless=True, exif=b"Exif\0\0" + bytes(40))
    whole = content + kind + struct.pack("<L", len(body)) + body + bytes(len(body) & 1)
    return whole[:4] + struct.pack("<L", len(whole) - 8) + whole[8:]


SPOILED_EXIF = (b"", b"II", b"no data at all", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\xff\xff" + bytes(5))
# The limit of Pillow's for text and profiles is 1 MB.
LARGE = bytes(1_200_000)
PICTURES = {
    "a large text": png_with(chunk(b"zTXt", b"workflow\0\0" + zlib.compress(LARGE))),
    "a large international text": png_with(chunk(b"iTXt", b"xmp\0\1\0\0\0" + zlib.compress(LARGE))),
    "a plain text of 70 MB in all": png_with(*[chunk(b"tEXt", b"a\0" + bytes(10 << 20))] * 6),
    "a large profile": png_with(chunk(b"iCCP", b"icc\0\0" + zlib.compress(LARGE))),
    "a profile of an unknown method": png_with(chunk(b"iCCP", b"icc\0\7" + b"x")),
    "short chunks": png_with(*[chunk(kind, b"\0") for kind in (b"gAMA", b"cHRM", b"pHYs", b"sRGB", b"acTL", b"tRNS")]),
    "a text with a wrong checksum": png_with(chunk(b"tEXt", b"a\0b", 7)),
    "a text behind the pixels": encoded(corners())[:-12]
    + chunk(b"zTXt", b"a\0\0" + b"none")
    + encoded(corners())[-12:],
    "no end mark in a PNG": encoded(corners())[:-12],
    "a palette that is not used": png_with(chunk(b"PLTE", bytes(3 * 300))),
    **{f"EXIF {data!r} in a PNG": png_with(chunk(b"eXIf", data)) for data in SPOILED_EXIF},
    **{f"EXIF {data!r} in a JPEG": jpeg_with((0xE1, b"Exif\0\0" + data)) for data in SPOILED_EXIF},
    **{f"EXIF {data!r} in a WebP": webp_with(b"EXIF", data) for data in SPOILED_EXIF},
    "a list of pictures that are not there": jpeg_with((0xE2, b"MPF\0MM\0*" + bytes(20))),
    "a damaged profile": jpeg_with((0xE2, b"ICC_PROFILE\0\x09\x02" + b"x"), (0xED, b"Photoshop 3.0\0" + b"8BIM")),
    "no end mark in a JPEG": jpeg_with()[:-2],
    "half an end mark": jpeg_with()[:-1],
    "no end mark in a progressive JPEG": jpeg_with(progressive=True)[:-2],
    "much behind the end mark": jpeg_with() + jpeg_with(),
}


@pytest.mark.parametrize("case", PICTURES)
def test_pixels_count_and_the_rest_is_ignored(case):
    be_strict()
    assert not look(PICTURES[case]).grey
    found = at_corners(decode(PICTURES[case], 8, grey=False).image)
    near = [
        max(abs(a - b) for a, b in zip(*pair, strict=True))
        for pair in zip(found, [RED, LIME, BLUE, WHITE], strict=True)
    ]
    assert max(near) < 12, found


def test_of_several_pictures_in_a_file_the_first_is_read_and_only_animations_are_noted():
    first, second = corners((64, 64)), Image.new("RGB", (64, 64), "black")
    album = encoded(first, "MPO", save_all=True, append_images=[second])
    assert b"MPF\0" in album
    made = decode(album, 8, grey=False)
    assert (made.done, max(made.image.getpixel((0, 0))) > 240) == (set(), True)
    moving = decode(encoded(first, "PNG", save_all=True, append_images=[second]), 8, grey=False)
    assert (moving.done, at_corners(moving.image)[0]) == ({"animated"}, RED)
    # Frames of another size, out of order, or cut off: the default image is what counts.
    spoiled = png_with(chunk(b"acTL", struct.pack(">LL", 9, 0)), chunk(b"fcTL", bytes(3)), chunk(b"fdAT", b"\0"))
    assert at_corners(decode(spoiled, 8, grey=False).image)[1] == LIME


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF"])
def test_every_format_is_turned_by_its_exif_data(kind):
    how = {"JPEG": {"quality": 95, "subsampling": 0}, "AVIF": {"quality": 95}}.get(kind, {"lossless": True})
    made = decode(encoded(corners((64, 64)), kind, exif=exif(6), **how), 8, grey=False)
    assert made.done == {"turned"}
    assert [max(value) > 200 and min(value) < 60 for value in at_corners(made.image)[1:]] == [True, True, True]
    assert min(at_corners(made.image)[0]) > 240  # white has come to the upper left


@pytest.mark.parametrize(
    ("order", "kind", "value"), [("<", 3, "HH"), (">", 3, "HH"), ("<", 4, "L"), (">", 4, "L"), (">", 1, "BBBB")]
)
def test_the_orientation_is_read_in_every_form_that_programs_write(order, kind, value):
    numbers = (6, *[0] * (len(value) - 1))
    head = struct.pack(order + "2sHLH", b"II" if order == "<" else b"MM", 42, 8, 2)
    entries = struct.pack(order + "HHLL", 0x0100, 4, 1, 7) + struct.pack(
        order + "HHL" + value, 0x0112, kind, 1, *numbers
    )
    assert orientation(head + entries) == orientation(b"Exif\0\0" + head + entries) == 6


def test_exif_data_that_cannot_be_read_leave_an_avif_as_it_is():
    data = Image.Exif()
    data[0x010F] = "a camera's maker"
    content = encoded(corners((64, 64)), "AVIF", quality=95, exif=data.tobytes())
    spoiled = content.replace(b"II*\0", b"XX*\0").replace(b"MM\0*", b"XX\0*")
    assert spoiled != content
    assert look(spoiled).size == (64, 64)
    assert decode(spoiled, 8, grey=False).done == set()


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_that_ends_in_its_pixels_is_damaged(progressive):
    whole = encoded(Image.effect_noise((64, 64), 90).convert("RGB"), "JPEG", progressive=progressive)
    for length in range(len(whole) - 60, len(whole) - 4, 7):
        with pytest.raises(DamagedError, match="cut off"):
            decode(whole[:length], 16, grey=False)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (png_with(chunk(b"CgBI", bytes(4))), "pixels of an unknown kind"),
        (encoded(corners())[:PNG_HEAD] + chunk(b"IEND", b""), "it has no pixels"),
        (encoded(corners())[:PNG_HEAD] + chunk(b"IDAT", b"x", 1), "chunk IDAT is cut off or damaged"),
    ],
)
def test_a_png_without_pixels_that_can_be_read_is_damaged(content, words):
    with pytest.raises(DamagedError, match=words):
        look(content)


def canvas(side: int) -> bytes:
    """Return an animation of two small frames on a canvas of this size."""
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    content = bytearray(encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:]))
    place = content.index(b"VP8X") + 12
    content[place : place + 6] = (side - 1).to_bytes(3, "little") * 2
    return bytes(content)


def bare_jpeg(width: int, height: int, marker: int = 0xC0, scan: int = 3) -> bytes:
    """Return the head of a JPEG of three components, of so many pixels, without any pixel."""
    frame = struct.pack(">BHHB", 8, height, width, 3) + b"\1\x11\0\2\x11\0\3\x11\0"
    begin = bytes([scan]) + b"".join(bytes([n + 1, 0]) for n in range(scan)) + b"\0\x3f\0"
    segments = ((marker, frame), (0xDA, begin))
    return b"\xff\xd8" + b"".join(
        bytes([0xFF, kind]) + struct.pack(">H", 2 + len(body)) + body for kind, body in segments
    )


def bare_png(width: int, height: int, colour: int, *more: bytes) -> bytes:
    """Return a PNG of so many pixels, without them."""
    head = chunk(b"IHDR", struct.pack(">LLBBBBB", width, height, 8, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (canvas(5001), "25 million pixels, the most for a WebP, AVIF or HEIC picture"),
        (canvas(16_000), "25 million pixels, the most for a WebP, AVIF or HEIC picture"),
        (bare_png(6400, 6400, 6), "40 million pixels, the most for a picture with transparency or in CMYK"),
        (bare_png(6400, 6400, 4), "40 million pixels"),
        (bare_png(6400, 6400, 2, chunk(b"tRNS", bytes(6))), "40 million pixels"),
        (bare_png(7100, 7100, 2), "more than 50 million pixels"),
        (bare_png(70_000, 10, 0), "a side of more than 65,535 pixels"),
        (bare_jpeg(16_000, 16_000), "more than 250 million pixels"),
        (bare_jpeg(10_000, 10_000, 0xC2), "takes more than 512 MB of memory"),
        (bare_jpeg(10_000, 10_000, 0xC0, scan=1), "takes more than 512 MB of memory"),
    ],
)
def test_what_would_not_fit_into_memory_is_refused_by_its_header(content, words):
    be_strict()
    with pytest.raises(DamagedError, match=words):
        look(content)


def test_a_jpeg_of_scans_without_end_is_refused_and_one_of_as_many_as_encoders_make_is_read():
    whole = encoded(Image.effect_noise((64, 64), 90).convert("RGB"), "JPEG", progressive=True)
    last = whole.rindex(b"\xff\xda")
    look(whole)
    with pytest.raises(DamagedError, match="takes too long to read"):
        look(whole[:-2] + whole[last:-2] * 500 + whole[-2:])


@pytest.mark.parametrize(
    "content", [canvas(5000), bare_png(6300, 6300, 6), bare_png(7000, 7000, 2), bare_jpeg(15_800, 15_800)]
)
def test_what_fits_into_memory_passes_by_its_header(content):
    be_strict()
    assert max(look(content).size) >= 5000


def test_a_large_photograph_is_decoded_at_a_part_of_its_size():
    be_strict()
    image = Image.new("RGB", (12_000, 9_000), RED)
    content = encoded(image, "JPEG")
    made = decode(content, 64, grey=False).image
    assert min(made.getpixel((32, 32))[0], 255 - made.getpixel((32, 32))[1]) > 250


def test_pixels_change_in_bands_as_they_do_in_one_piece():
    be_strict()
    small = Image.effect_noise((50, 50), 60)
    image = Image.merge("RGBA", (small, small.rotate(90), small.rotate(180), small.rotate(270))).resize((2500, 2000))
    paper = Image.new("RGBA", image.size, "white")
    wanted = Image.alpha_composite(paper, image).convert("RGB")
    target = io.BytesIO()
    wanted.save(target, "PNG", compress_level=0)
    content = encoded(image, compress_level=0)
    assert decode(content, 100, grey=False).planes() == decode(target.getvalue(), 100, grey=False).planes()
