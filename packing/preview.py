"""The preview of an upload: a grid of its pictures, which shows people whether the import is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 8
_LARGEST_CELL = 128


class Preview:
    """Collects 64 pictures, spread evenly over the data set, and lays them out in rows."""

    def __init__(self, side: int, total: int) -> None:
        self._cell = min(side, _LARGEST_CELL)
        self._shown = min(SIDE * SIDE, total)
        self._total = total
        self._seen = 0
        self._next = 0
        rows = -(-self._shown // SIDE)
        self._sheet = Image.new("RGB", (SIDE * self._cell, rows * self._cell), "white")

    def offer(self, image: Image.Image) -> None:
        """Add the picture, if it is one of the 64."""
        if self._next < self._shown and self._seen >= self._next * self._total // self._shown:
            row, column = divmod(self._next, SIDE)
            size = (self._cell, self._cell)
            small = image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)
            self._sheet.paste(small, (column * self._cell, row * self._cell))
            self._next += 1
        self._seen += 1

    def save(self, path: Path) -> None:
        """Write it as a PNG."""
        self._sheet.save(path, "PNG")
