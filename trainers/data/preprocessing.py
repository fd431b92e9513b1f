"""What is done to stored pixels before networks see them."""

from __future__ import annotations

from typing import NamedTuple

import torch


class Preprocessing(NamedTuple):
    """How pixels become what networks see.

    A window of ``size`` pixels is cut out, moved by up to ``shift`` pixels beyond the edges, mirrored at random if
    ``flip``; then values 0..1 become (x - mean) / std, with the mean and std of each channel if there are ``channels``.
    """

    mean: float
    std: float
    size: int
    shift: int = 0
    flip: bool = False
    channels: tuple[tuple[float, float], ...] | None = None

    def scale_and_offset(self, device: torch.device) -> tuple[torch.Tensor | float, torch.Tensor | float]:
        """Return (pixel / 255 - mean) / std as one multiplication and one addition: numbers, or [C, 1, 1] each."""
        if self.channels is None:
            return 1 / (255 * self.std), -self.mean / self.std
        # A channel of one value has no deviation to divide by.
        means, stds = torch.tensor(self.channels, dtype=torch.float64).t()
        stds = torch.where(stds > 0, stds, torch.ones_like(stds))
        both = torch.stack([1 / (255 * stds), -means / stds]).float().to(device)  # [2, C]
        scale, offset = both[:, :, None, None]
        return scale, offset
