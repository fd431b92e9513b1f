"""Images as PNG files whose bytes depend on the pixels alone."""

from __future__ import annotations

import io
import math
import os
import zipfile
from typing import TYPE_CHECKING, Callable

import numpy as np
import torch
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_GAP = 2


def to_bytes(images: torch.Tensor, mean: float, std: float) -> torch.Tensor:
    """Undo the normalisation: [N, C, H, W] float -> [N, C, H, W] uint8 on the CPU, clipped to 0..255."""
    # x std + mean is 0..1 again; a generator without a bound may exceed it.
    return images.detach().float().mul(std).add(mean).mul(255).round().clamp(0, 255).to(torch.uint8).cpu()


def tile(images: torch.Tensor, columns: int | None = None, gap: int = _GAP) -> NDArray[np.uint8]:
    """Lay uint8 images [N, C, H, W] out row by row with a gap of pixels: [H', W'] grey or [H', W', 3] colour.

    Without ``columns`` the grid is as square as it can be: 64 images make 8x8.
    """
    n, channels, height, width = images.shape
    columns = columns or math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    sheet = np.zeros((rows * (height + gap) + gap, columns * (width + gap) + gap, channels), dtype=np.uint8)
    # [N, C, H, W] -> [N, H, W, C], as image files have it.
    pixels = images.permute(0, 2, 3, 1).contiguous().numpy()
    for index in range(n):
        row, column = divmod(index, columns)
        top, left = gap + row * (height + gap), gap + column * (width + gap)
        sheet[top : top + height, left : left + width] = pixels[index]
    return sheet[:, :, 0] if channels == 1 else sheet


def png(sheet: NDArray[np.uint8]) -> bytes:
    """Encode [H, W] grey or [H, W, 3] colour pixels."""
    buffer = io.BytesIO()
    Image.fromarray(sheet).save(buffer, format="PNG")
    return buffer.getvalue()


def zip_of_pngs(images: torch.Tensor, alive: Callable[[], None] = lambda: None) -> bytes:
    """Pack each of the uint8 images [N, C, H, W] as ``00000.png`` and so on; ``alive`` is called for each."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for index, image in enumerate(images.permute(0, 2, 3, 1).contiguous().numpy()):
            alive()
            # Fixed times and modes: the bytes of the zip depend on the pixels alone.
            entry = zipfile.ZipInfo(f"{index:05d}.png", date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, png(image[:, :, 0] if image.shape[2] == 1 else image))
    return buffer.getvalue()


def write(path: Path, content: bytes) -> Path:
    """Write a whole file or none: first under another name, then renamed."""
    partial = path.with_name(f".{path.name}.part")
    partial.write_bytes(content)
    os.replace(partial, path)  # noqa: PTH105 - Path.replace returns None on Python 3.7 and a path later; this is the same call
    return path
