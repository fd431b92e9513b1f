"""The formats of pictures that are decoded here, by Pillow's names. Importing this module sets their decoders up.

HEIC needs a library beside Pillow, and AVIF a Pillow that was built with it. Where they are missing, as on a Python too
old for them, such pictures count as damaged, with the reason.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from PIL import features

from packing.names import AVIF_BRAND, HEIC_BRANDS

_LIBRARIES = {AVIF_BRAND: "Pillow", **dict.fromkeys(HEIC_BRANDS, "pi-heif")}


def _heif() -> list[str]:
    try:
        library: Any = import_module("pi_heif")
    except ImportError:
        return []
    # Threads would only add memory: many pictures are decoded, by one process or by as many threads as there are cores.
    library.options.DECODE_THREADS = 1
    library.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
    return ["HEIF"]


def _avif() -> list[str]:
    if not features.check("avif"):
        return []
    plugin: Any = import_module("PIL.AvifImagePlugin")
    plugin.DEFAULT_MAX_THREADS = 1
    return ["AVIF"]


FORMATS = ("PNG", "JPEG", "WEBP", "BMP", *_avif(), *_heif())


def missing(content: bytes) -> str | None:
    """Return the library that would read a picture, if it is a HEIC or AVIF picture and the library is missing."""
    library = _LIBRARIES.get(content[8:12]) if content[4:8] == b"ftyp" else None
    there = "AVIF" if library == "Pillow" else "HEIF"
    return None if there in FORMATS else library
