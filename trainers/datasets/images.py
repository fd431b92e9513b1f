"""What every data set becomes: uint8 images of one size, with the numbers of their classes where there are any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Images:
    """One part of a data set, on the CPU; possibly a memory map, whose pages are read when they are looked at.

    ``pixels`` is uint8 (n, channels, height, width), ``labels`` int64 (n,) or None.
    """

    pixels: torch.Tensor
    labels: torch.Tensor | None
