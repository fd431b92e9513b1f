"""Whole files of every format that a packer reads, and of some that it refuses: what mutations begin with."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from packing.layouts.cifar import CLASSES as CIFAR
from tests.api.uploads.archives import Files, pictures, tarred, zipped
from tests.packing.test_headers import canvas, chunk, exif
from tests.packing.test_preview_scan import write_idx
from tests.packing.test_zip_members import wide
from tests.packing.trees import HEIC
from tests.trainers.data import formats

GOOD = pictures(16, size=(12, 12))


def _saved(kind: str, mode: str = "RGB", *, frames: int = 1, **how: Any) -> bytes:
    noise = Image.effect_noise((24, 18), 70)
    image = Image.merge("RGBA", (noise, noise.rotate(90), noise.rotate(180), noise.rotate(270)))
    more = {"save_all": True, "append_images": [image.rotate(90).convert(mode)] * (frames - 1)} if frames > 1 else {}
    target = io.BytesIO()
    image.convert(mode).save(target, kind, **more, **how)
    return target.getvalue()


def _runs() -> bytes:
    """Return a BMP that is compressed by run lengths."""
    head = Image.new("P", (8, 8))
    target = io.BytesIO()
    head.save(target, "BMP")
    content = bytearray(target.getvalue())
    begin = int.from_bytes(content[10:14], "little")
    content[30:34] = (1).to_bytes(4, "little")
    return bytes(content[:begin]) + b"\x08\x01\0\0" * 8 + b"\0\1"


def _texts() -> bytes:
    content = _saved("PNG", exif=exif(6))
    return content[:33] + chunk(b"zTXt", b"a\0\0" + b"x" * 40) + chunk(b"iCCP", b"a\0\0" + b"x" * 40) + content[33:]


PICTURES: dict[str, bytes] = {
    "PNG": _saved("PNG"),
    "PNG RGBA": _saved("PNG", "RGBA"),
    "PNG P": _saved("PNG", "P", transparency=bytes(range(256))),
    "PNG LA": _saved("PNG", "LA"),
    "PNG 16": _saved("PNG", "I;16"),
    "PNG 1": _saved("PNG", "1"),
    "PNG texts": _texts(),
    "APNG": _saved("PNG", frames=3),
    "JPEG": _saved("JPEG", exif=exif(6)),
    "JPEG progressive": _saved("JPEG", progressive=True),
    "JPEG L": _saved("JPEG", "L"),
    "JPEG CMYK": _saved("JPEG", "CMYK"),
    "MPO": _saved("MPO", frames=2),
    "WebP": _saved("WEBP", exif=exif(3)),
    "WebP lossless": _saved("WEBP", "RGBA", lossless=True),
    "WebP animated": _saved("WEBP", frames=3),
    "WebP canvas": canvas(3000),
    "BMP": _saved("BMP"),
    "BMP P": _saved("BMP", "P"),
    "BMP runs": _runs(),
    "GIF": _saved("GIF", "P", frames=2),
    "TIFF": _saved("TIFF", compression="tiff_lzw"),
    "AVIF": _saved("AVIF", exif=exif(6)),
    "AVIF RGBA": _saved("AVIF", "RGBA"),
    "HEIC": HEIC,
}

PACKED: dict[str, Callable[[Files], bytes]] = {
    "zip": zipped,
    "zip deflated": lambda files: zipped(files, zipfile.ZIP_DEFLATED),
    "zip bzip2": lambda files: zipped(files, zipfile.ZIP_BZIP2),
    "zip LZMA": lambda files: zipped(files, zipfile.ZIP_LZMA),
    "zip of 64 bits": lambda files: wide(zipped(files)),
    "tar": tarred,
    "tar of long names": lambda files: tarred({f"{'x' * 120}/{name}": body for name, body in files.items()}),
}
COMPRESSED: dict[str, Callable[[bytes], bytes]] = {
    "gz": lambda content: gzip.compress(content, 1),
    "bz2": bz2.compress,
    "xz": lambda content: lzma.compress(content, preset=0),
}


class Standing(NamedTuple):
    """A data set on the disk of the service."""

    layout: str
    shape: list[int]
    classes: list[str]
    files: Files


def standing(folder: Path) -> dict[str, Standing]:
    """Write a data set of each layout with files of its own; return them."""
    folder.mkdir(parents=True)
    tiny = formats.pixels(20, 32, 32)
    write_idx(folder / "idx", formats.pixels(20, 12, 12, channels=1)[..., 0], [n % 3 for n in range(20)])
    formats.write_cifar(folder / "cifar", np.ascontiguousarray(tiny), tiny[:5])
    formats.write_lsun(folder / "lsun" / "bedroom_train_lmdb", formats.pixels(12, 16, 16))
    facts: dict[str, tuple[str, list[int], list[str]]] = {
        "idx": ("idx", [1, 12, 12], ["a", "b", "c"]),
        "cifar": ("cifar", [3, 32, 32], list(CIFAR)),
        "lsun": ("lsun-lmdb", [3, 256, 256], []),
    }
    return {name: Standing(*known, _files(folder / name)) for name, known in facts.items()}


def _files(folder: Path) -> Files:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
