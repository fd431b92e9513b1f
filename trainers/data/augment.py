"""Augmentation: random windows and mirror images for a whole batch at once, from draws without state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from trainers.data.transfer import to_device

if TYPE_CHECKING:
    from trainers.data.rng import Draws


def cut(
    pixels: torch.Tensor, size: int, shift: int, flip: bool, draws: Draws, stream: str, *index: int
) -> torch.Tensor:
    """Cut a window out of each image at random: [N, C, H, W] uint8 -> [N, C, size, size] uint8.

    The window may reach up to ``shift`` pixels beyond the edges, where the image is reflected; with ``flip``, every
    second image on average is mirrored. ``stream`` and ``index`` name the draw.
    """
    # 1. Where each window begins, [N]: from -shift to the last place at which it still ends ``shift`` beyond the edge.
    batch, _, height, width = pixels.shape
    tops = draws.integers(height - size + 2 * shift + 1, batch, stream, "top", *index) - shift
    lefts = draws.integers(width - size + 2 * shift + 1, batch, stream, "left", *index) - shift
    drawn = [tops, lefts, draws.integers(2, batch, stream, "flip", *index)] if flip else [tops, lefts]
    # One copy, [2 or 3, N], which nobody waits for; all that follows is computed where the pixels are.
    drawn = list(to_device(torch.stack(drawn), pixels.device))
    # 2. Which rows and columns of its image each window shows, [N, size] each; mirrored means columns in reverse.
    window = torch.arange(size, device=pixels.device)
    rows, columns = drawn[0][:, None] + window, drawn[1][:, None] + window
    if flip:
        columns = torch.where(drawn[2].bool()[:, None], columns.flip(1), columns)
    # 3. Gather all windows in one indexing, without a loop over images and without padded copies of them.
    rows, columns = reflect(rows, height), reflect(columns, width)
    each = torch.arange(batch, device=pixels.device)[:, None, None]
    # Indexed dimensions come first: [N, size, size, C], then back to [N, C, size, size].
    return pixels.permute(0, 2, 3, 1)[each, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def reflect(places: torch.Tensor, length: int) -> torch.Tensor:
    """Fold positions beyond the edges back without repeating the edge: -1 -> 1, length -> length - 2.

    An image smaller than the window is reflected several times.
    """
    there_and_back = max(1, 2 * (length - 1))
    inside = places % there_and_back
    return torch.minimum(inside, there_and_back - inside)
