"""Planted sets that were written down, with their right verdicts, before the judge had seen any of them.

Nothing in `trainers/judging/` was chosen with them, so they test it. A set that is judged wrongly stays here with the
verdict that is right, and docs/10-benchmarks.md names it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from benchmarks.planted import (
    COPYING,
    LOW_FIDELITY,
    MODES_LOST,
    Planted,
    as_bytes,
    blurred,
    contrast,
    copies,
    mixed,
    new_images,
    noise,
    noisy,
    of_classes,
    rare,
    repeated,
    salted,
    shifted,
    some,
)
from benchmarks.planted_more import cut


def waved(pixels: Tensor, reach: float) -> Tensor:
    """Move rows left and right along a sine wave, by up to `reach` pixels."""
    size = pixels.shape[-1]
    line = torch.linspace(-1, 1, size)
    y, x = torch.meshgrid(line, line, indexing="ij")
    moved = torch.stack([x + 2 * reach / size * torch.sin(2 * torch.pi * 2 * y), y], dim=-1)
    grid = moved.expand(len(pixels), size, size, 2)
    return as_bytes(F.grid_sample(pixels.float(), grid, padding_mode="border", align_corners=True))


def quartered(pixels: Tensor) -> Tensor:
    """Exchange the quarters of each image, corner by corner."""
    return pixels.roll((pixels.shape[2] // 2, pixels.shape[3] // 2), (2, 3))


def smeared(pixels: Tensor, width: int) -> Tensor:
    """Average each pixel with its neighbours in the same row."""
    return as_bytes(F.avg_pool2d(pixels.float(), (1, width), 1, (0, width // 2), count_include_pad=False))


def striped(pixels: Tensor, strength: float) -> Tensor:
    """Darken every other column."""
    columns = torch.ones(pixels.shape[-1])
    columns[::2] = 1 - strength
    return as_bytes(pixels.float() * columns)


UNSEEN = (
    Planted("unseen: half of the new images", lambda s, n, g: some(s.new[::2], n, g), ()),
    Planted(
        "unseen: copies shifted by a pixel, contrast .8",
        lambda s, n, g: contrast(shifted(copies(s, n, g), g), 0.8),
        (COPYING,),
        (LOW_FIDELITY,),
    ),
    Planted(
        "unseen: copies blurred by .6 pixels",
        lambda s, n, g: blurred(copies(s, n, g), 0.6),
        (COPYING,),
        (LOW_FIDELITY,),
    ),
    Planted(
        "unseen: copies without a square of 3 pixels",
        lambda s, n, g: cut(copies(s, n, g), 3, g),
        (COPYING,),
        (LOW_FIDELITY,),
    ),
    Planted(
        "unseen: a third are copies with noise of .05",
        mixed((1 / 3, lambda s, n, g: noisy(copies(s, n, g), 0.05, g)), (2 / 3, new_images)),
        (COPYING,),
        (LOW_FIDELITY,),
    ),
    Planted("unseen: seven classes", lambda s, n, g: of_classes(s, (0, 1, 2, 3, 5, 7, 9), n, g), (MODES_LOST,)),
    Planted("unseen: the class 1 missing", lambda s, n, g: of_classes(s, (0, *range(2, 10)), n, g), (MODES_LOST,)),
    Planted("unseen: the class 8 missing", lambda s, n, g: of_classes(s, (*range(8), 9), n, g), (MODES_LOST,)),
    Planted("unseen: the class 6 at an eighth", lambda s, n, g: rare(s, n, g, part=0.125, which=6), (MODES_LOST,)),
    Planted(
        "unseen: a third is one new image",
        mixed((1 / 3, lambda s, n, g: repeated(s.new, 1, n, g)), (2 / 3, new_images)),
        (MODES_LOST,),
    ),
    Planted("unseen: 150 new images repeated", lambda s, n, g: repeated(s.new, 150, n, g), (MODES_LOST,)),
    Planted("unseen: rows waved by 2 pixels", lambda s, n, g: waved(new_images(s, n, g), 2), (LOW_FIDELITY,)),
    Planted(
        "unseen: quarters exchanged",
        lambda s, n, g: quartered(new_images(s, n, g)),
        (LOW_FIDELITY,),
        (MODES_LOST,),
    ),
    Planted("unseen: smeared over 5 pixels of a row", lambda s, n, g: smeared(new_images(s, n, g), 5), (LOW_FIDELITY,)),
    Planted("unseen: every other column darker", lambda s, n, g: striped(new_images(s, n, g), 0.6), (LOW_FIDELITY,)),
    # An upside-down 0, 1 or 8 is one, and a 6 is a 9; the other five are no digits.
    Planted("unseen: upside down", lambda s, n, g: new_images(s, n, g).flip((2, 3)), (LOW_FIDELITY,), (MODES_LOST,)),
    Planted(
        "unseen: a fifth with 10 % salt",
        mixed((0.2, lambda s, n, g: salted(new_images(s, n, g), 0.1, g)), (0.8, new_images)),
        (LOW_FIDELITY,),
    ),
    Planted(
        "unseen: 20 new images repeated, blurred",
        lambda s, n, g: blurred(repeated(s.new, 20, n, g), 1.5),
        (LOW_FIDELITY, MODES_LOST),
    ),
    Planted(
        "unseen: copies of three classes, shifted",
        lambda s, n, g: shifted(some(s.train[torch.isin(s.train_labels, torch.tensor((2, 5, 8)))], n, g), g),
        (MODES_LOST, COPYING),
        (LOW_FIDELITY,),
    ),
    Planted(
        "unseen: a quarter copies, a quarter noise",
        mixed((0.25, copies), (0.25, noise), (0.5, new_images)),
        (LOW_FIDELITY, COPYING),
    ),
    Planted(
        "unseen: nine classes with noise of .2",
        lambda s, n, g: noisy(of_classes(s, range(9), n, g), 0.2, g),
        (LOW_FIDELITY, MODES_LOST),
    ),
)
