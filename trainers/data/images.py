"""Images in memory: uint8 pixels of one size, and the class numbers if there are any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Images:
    """One part of a data set, on the CPU, perhaps a memory map whose pages are read on first access.

    ``pixels`` is uint8 (n, channels, height, width), ``labels`` int64 (n,) or None. With ``rows``, int64 (m,), only
    those of the pixels count, and ``labels`` are theirs: taking them out would read a whole map into memory.
    """

    pixels: torch.Tensor
    labels: torch.Tensor | None
    rows: torch.Tensor | None = None

    def __len__(self) -> int:
        return len(self.pixels if self.rows is None else self.rows)

    def only(self, chosen: torch.Tensor) -> Images:
        """Return the images for which ``chosen``, bool (n,), is true, (len(self),)."""
        rows = chosen.nonzero()[:, 0]
        labels = None if self.labels is None else self.labels[rows]
        return Images(self.pixels, labels, rows if self.rows is None else self.rows[rows])
