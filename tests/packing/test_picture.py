"""One picture of any kind becomes pixels of one kind."""

from __future__ import annotations

import io
import struct

import pytest
from PIL import Image

from packing.errors import DamagedError
from packing.picture import be_strict, decode, look


def encoded(image: Image.Image, kind: str = "PNG", **how) -> bytes:
    """Return the picture as a file."""
    target = io.BytesIO()
    image.save(target, kind, **how)
    return target.getvalue()


def corners(size=(8, 8)) -> Image.Image:
    """Return a picture with a red, a green, a blue and a white quarter, clockwise from the upper left."""
    image = Image.new("RGB", size, "red")
    half = (size[0] // 2, size[1] // 2)
    image.paste("lime", (half[0], 0, size[0], half[1]))
    image.paste("white", (0, half[1], half[0], size[1]))
    image.paste("blue", (half[0], half[1], size[0], size[1]))
    return image


def at_corners(image: Image.Image) -> list[tuple[int, ...]]:
    """Return the four colours, clockwise from the upper left."""
    right, bottom = image.size[0] - 1, image.size[1] - 1
    return [image.getpixel(place) for place in ((0, 0), (right, 0), (right, bottom), (0, bottom))]


RED, LIME, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


@pytest.mark.parametrize(
    ("image", "pixel", "done"),
    [
        (Image.new("RGB", (8, 8), (1, 2, 3)), (1, 2, 3), set()),
        (Image.new("L", (8, 8), 7), 7, set()),
        (Image.new("1", (8, 8), 1), 255, set()),
        (Image.new("RGBA", (8, 8), (0, 0, 0, 51)), (204, 204, 204), {"transparent"}),
        (Image.new("LA", (8, 8), (0, 0)), 255, {"transparent"}),
        (Image.new("RGB", (8, 8), (9, 8, 7)).quantize(4), (9, 8, 7), {"palette"}),
        (Image.new("I;16", (8, 8), 0x12FE), 0x12, {"deep"}),
        (Image.new("I;16", (8, 8), 65535), 255, {"deep"}),
    ],
)
def test_every_mode_of_png_becomes_grey_or_red_green_and_blue(image, pixel, done):
    content = encoded(image)
    facts = look(content)
    assert facts.grey == isinstance(pixel, int)
    made = decode(content, 8, grey=facts.grey)
    assert made.image.getpixel((3, 3)) == pixel
    assert made.done == done
    assert len(made.planes()) == 64 * (1 if facts.grey else 3)


def test_a_palette_with_a_transparent_colour_is_laid_over_white():
    image = Image.new("P", (8, 8), 0)
    image.putpalette([10, 20, 30] * 256)
    made = decode(encoded(image, transparency=0), 8, grey=False)
    assert (made.image.getpixel((0, 0)), made.done) == (WHITE, {"transparent"})


def test_cmyk_becomes_red_green_and_blue():
    made = decode(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG"), 8, grey=False)
    red, green, blue = made.image.getpixel((4, 4))
    assert red > 240
    assert max(green, blue) < 15
    assert made.done == {"CMYK"}


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP"])
def test_every_format_is_read(kind):
    image = Image.new("RGB", (32, 32), (200, 100, 50))
    made = decode(encoded(image, kind), 16, grey=False).image.getpixel((8, 8))
    assert all(abs(found - wanted) < 4 for found, wanted in zip(made, (200, 100, 50), strict=True))


@pytest.mark.parametrize(
    ("orientation", "wanted"),
    [
        (1, [RED, LIME, BLUE, WHITE]),
        (2, [LIME, RED, WHITE, BLUE]),
        (3, [BLUE, WHITE, RED, LIME]),
        (4, [WHITE, BLUE, LIME, RED]),
        (5, [RED, WHITE, BLUE, LIME]),
        (6, [WHITE, RED, LIME, BLUE]),
        (7, [BLUE, LIME, RED, WHITE]),
        (8, [LIME, BLUE, WHITE, RED]),
    ],
)
def test_a_picture_is_turned_as_its_exif_data_say(orientation, wanted):
    exif = Image.Exif()
    exif[0x0112] = orientation
    made = decode(encoded(corners(), exif=exif), 8, grey=False)
    assert at_corners(made.image) == wanted
    assert made.done == (set() if orientation == 1 else {"turned"})


def test_planes_are_channel_by_channel_row_by_row():
    image = Image.frombytes("RGB", (8, 8), bytes(range(192)))
    assert decode(encoded(image), 8, grey=False).planes() == bytes(
        3 * place + channel for channel in range(3) for place in range(64)
    )


@pytest.mark.parametrize(
    ("size", "left", "darkest"),
    # Scaled, a little of what is cut off shows at the edge, as if the whole had been scaled first.
    [((24, 8), 8, 255), ((8, 24), 8, 255), ((48, 16), 16, 230), ((160, 480), 160, 225)],
)
def test_the_middle_is_cut_out_and_scaled(size, left, darkest):
    image = Image.new("RGB", size, "black")
    edge = min(size)
    box = (left, 0, left + edge, edge) if size[0] > size[1] else (0, left, edge, left + edge)
    image.paste("white", box)
    made = decode(encoded(image), 8, grey=False)
    assert min(made.planes()) >= darkest
    assert min(made.image.crop((2, 2, 6, 6)).tobytes()) >= 250


def test_small_pictures_grow_and_large_ones_shrink_to_their_mean():
    assert set(decode(encoded(Image.new("L", (3, 3), 90)), 64, grey=True).planes()) == {90}
    board = Image.frombytes("L", (256, 256), bytes(255 * ((x + y) % 2) for y in range(256) for x in range(256)))
    assert all(126 <= value <= 129 for value in decode(encoded(board), 16, grey=True).planes())


def test_the_first_frame_of_an_animation_is_taken():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    for kind in ("PNG", "WEBP"):
        content = encoded(frames[0], kind, save_all=True, append_images=frames[1:], lossless=True)
        made = decode(content, 8, grey=False)
        assert made.done == {"animated"}
        assert made.image.getpixel((0, 0)) == RED


def test_too_many_pixels_are_refused_before_they_are_decoded():
    be_strict()
    for side, refused in ((7071, False), (7072, True), (60_000, True)):
        head = b"BM" + struct.pack("<IIIIiiHHIIiiII", 62, 0, 62, 40, side, side, 1, 1, 0, 0, 0, 0, 2, 2) + bytes(8)
        if refused:
            with pytest.raises(DamagedError, match="more than 50 million pixels"):
                look(head)
        else:
            assert look(head).size == (side, side)


def test_a_png_with_any_bit_flipped_is_damaged():
    whole = encoded(Image.effect_noise((40, 40), 60))
    for place in range(0, len(whole) - 12, 13):  # what follows is the end mark
        flipped = whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :]
        with pytest.raises(DamagedError):
            look(flipped)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP"])
def test_a_damaged_picture_is_one_kind_of_error_wherever_it_is_cut(kind):
    whole = encoded(Image.effect_noise((40, 40), 60).convert("RGB"), kind)
    for length in range(0, len(whole) - 40, 37):
        with pytest.raises(DamagedError):
            look(whole[:length])
            decode(whole[:length], 16, grey=False)
