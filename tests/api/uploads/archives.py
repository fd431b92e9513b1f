"""Archives of pictures, good ones and bad ones, made in memory from fixed seeds."""

from __future__ import annotations

import io
import random
import tarfile
import zipfile
from typing import Any

from PIL import Image

Files = dict[str, bytes]


def picture(seed: int = 0, size: tuple[int, int] = (20, 20), mode: str = "RGB", kind: str = "PNG", **how: Any) -> bytes:
    """Return a file with a noisy picture in it."""
    noise = random.Random(seed).randbytes(size[0] * size[1] * 3)
    image = Image.frombytes("RGB", size, noise)
    target = io.BytesIO()
    (image if mode == "RGB" else image.convert(mode)).save(target, kind, **how)
    return target.getvalue()


def pictures(count: int, folder: str = "", **facts: Any) -> Files:
    """Return so many PNG files with their names."""
    return {f"{folder}{number:04}.png": picture(number, **facts) for number in range(count)}


def zipped(files: Files, method: int = zipfile.ZIP_STORED) -> bytes:
    """Return a zip of files; a name that ends with a slash is a folder."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def tarred(files: Files, how: str = "w") -> bytes:
    """Return a tar of files."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=how) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return target.getvalue()
