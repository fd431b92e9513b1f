"""Images in memory: uint8 pixels of one size, and the class numbers if there are any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch

from models.limits import HELD_OUT_EVERY

_AT_ONCE = 1 << 24  # bytes of pixels that are counted at a time


class Origin(NamedTuple):
    """What images come from: the digest of the stored data, and the version of Pillow that decoded or scaled them.

    The digest is None where it is unknown; so is the version, or where nothing was decoded.
    """

    digest: str | None
    pillow: str | None = None


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

    def take(self, chosen: torch.Tensor) -> torch.Tensor:
        """Return the pixels of the images of these numbers, [n] int64, as they are stored: [n, C, H, W] uint8."""
        return self.pixels.index_select(0, chosen if self.rows is None else self.rows[chosen])

    def only(self, chosen: torch.Tensor) -> Images:
        """Return the images for which ``chosen``, bool (n,), is true, (len(self),)."""
        rows = chosen.nonzero()[:, 0]
        labels = None if self.labels is None else self.labels[rows]
        return Images(self.pixels, labels, rows if self.rows is None else self.rows[rows])

    def channel_statistics(self) -> tuple[tuple[float, float], ...]:
        """Return mean and standard deviation of each channel over all pixels, scaled to 0..1.

        They are exact, since bytes are counted and not summed as floats: every machine and number of threads agrees.
        """
        channels = self.pixels.shape[1]
        counts = torch.zeros(channels, 256, dtype=torch.int64)
        rows = torch.arange(len(self.pixels)) if self.rows is None else self.rows
        # A part at a time: the pixels may be a map that is larger than memory.
        for chosen in torch.split(rows, max(1, _AT_ONCE // self.pixels[0].numel())):
            part = self.pixels.index_select(0, chosen)
            for channel in range(channels):
                counts[channel] += torch.bincount(part[:, channel].flatten(), minlength=256)
        shares = counts.double() / counts.sum(1, keepdim=True)  # [C, 256]
        values = torch.arange(256, dtype=torch.float64) / 255
        means = shares @ values  # [C]
        deviations = (shares * (values - means[:, None]).square()).sum(1).sqrt()
        return tuple(zip(means.tolist(), deviations.tolist()))


def middle(whole: torch.Tensor, size: int) -> torch.Tensor:
    """Return the middle windows, [..., size, size], of images that may be stored with a margin, [..., H, H]."""
    edge = (whole.shape[-1] - size) // 2
    return whole[..., edge : edge + size, edge : edge + size]


def every_tenth(count: int) -> torch.Tensor:
    """Return which of so many training images are held out where there is no test part: every tenth, bool [count]."""
    return torch.arange(count) % HELD_OUT_EVERY == HELD_OUT_EVERY - 1
