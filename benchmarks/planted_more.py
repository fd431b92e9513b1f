"""More planted sets: those by which the judge's way to find limits was not chosen, but tried."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from benchmarks.planted import (
    COPYING,
    LOW_FIDELITY,
    MODES_LOST,
    Planted,
    Stock,
    as_bytes,
    blurred,
    contrast,
    copies,
    fades,
    mixed,
    new_images,
    noise,
    noisy,
    of_classes,
    rare,
    repeated,
    shifted,
    some,
)


def rotated(pixels: Tensor, degrees: float) -> Tensor:
    """Rotate images about their middle."""
    angle = torch.tensor(degrees * torch.pi / 180)
    turn = torch.tensor([[angle.cos(), -angle.sin(), 0], [angle.sin(), angle.cos(), 0]])
    grid = F.affine_grid(turn.expand(len(pixels), 2, 3), list(pixels.shape), align_corners=False)
    return as_bytes(F.grid_sample(pixels.float(), grid, padding_mode="border", align_corners=False))


def thicker(pixels: Tensor) -> Tensor:
    """Widen bright strokes by a pixel on each side."""
    return as_bytes(F.max_pool2d(pixels.float(), 3, 1, 1))


def thinner(pixels: Tensor) -> Tensor:
    """Narrow bright strokes by a pixel on each side."""
    return as_bytes(-F.max_pool2d(-pixels.float(), 3, 1, 1))


def checkered(pixels: Tensor, strength: float) -> Tensor:
    """Add and subtract a brightness on alternating pixels, as transposed convolutions do."""
    height, width = pixels.shape[2:]
    sign = 1 - 2 * ((torch.arange(height)[:, None] + torch.arange(width)[None]) % 2)
    return as_bytes(pixels.float() + strength * sign)


def coarse(pixels: Tensor) -> Tensor:
    """Give blocks of 2 by 2 pixels one value."""
    return as_bytes(F.interpolate(F.avg_pool2d(pixels.float(), 2), pixels.shape[2:]))


def cut(pixels: Tensor, side: int, draws: torch.Generator) -> Tensor:
    """Set a square at a random place of the middle of each image to the darkest value."""
    found = pixels.clone()
    places = torch.randint(6, pixels.shape[-1] - 6 - side, (len(pixels), 2), generator=draws)
    for image, (y, x) in zip(found, places.tolist(), strict=True):
        image[:, y : y + side, x : x + side] = 0
    return found


def _half(stock: Stock, count: int, draws: torch.Generator) -> Tensor:
    return rare(stock, count, draws, part=0.5)


def _others(stock: Stock, count: int, draws: torch.Generator) -> Tensor:
    return some(stock.other, count, draws)


MORE = (
    Planted("real: a class at half its share", _half, ()),
    # Each image is a digit that somebody could have written, but those that lean to the other side are missing.
    Planted(
        "real: rotated by 10 degrees",
        lambda s, n, g: rotated(new_images(s, n, g), 10),
        (),
        (LOW_FIDELITY, MODES_LOST),
    ),
    # Real digits stand in the middle.
    Planted(
        "copies: shifted by two pixels", lambda s, n, g: shifted(copies(s, n, g), g, 2), (COPYING,), (LOW_FIDELITY,)
    ),
    Planted("copies: rotated by 5 degrees", lambda s, n, g: rotated(copies(s, n, g), 5), (COPYING,), (LOW_FIDELITY,)),
    Planted(
        "copies: brighter by a quarter",
        lambda s, n, g: contrast(copies(s, n, g), 0.75, 64),
        (COPYING,),
        (LOW_FIDELITY,),
    ),
    Planted(
        "copies: mirrored and shifted", lambda s, n, g: shifted(copies(s, n, g).flip(3), g), (COPYING,), (LOW_FIDELITY,)
    ),
    Planted("copies: a twentieth of the images", mixed((0.05, copies), (0.95, new_images)), (COPYING,)),
    Planted("modes: two classes missing", lambda s, n, g: of_classes(s, (0, 1, 2, 4, 5, 6, 8, 9), n, g), (MODES_LOST,)),
    Planted("modes: two classes alone", lambda s, n, g: of_classes(s, (4, 9), n, g), (MODES_LOST,)),
    Planted(
        "modes: 40 new images with noise",
        lambda s, n, g: noisy(repeated(s.new, 40, n, g), 0.05, g),
        (MODES_LOST,),
        (LOW_FIDELITY,),
    ),
    Planted(
        "modes: half are 10 images",
        mixed((0.5, lambda s, n, g: repeated(s.new, 10, n, g)), (0.5, new_images)),
        (MODES_LOST,),
    ),
    # No kind of upright digits is there.
    Planted(
        "fidelity: rotated by 45 degrees",
        lambda s, n, g: rotated(new_images(s, n, g), 45),
        (LOW_FIDELITY,),
        (MODES_LOST,),
    ),
    Planted("fidelity: thicker strokes", lambda s, n, g: thicker(new_images(s, n, g)), (LOW_FIDELITY,)),
    # Strokes of two pixels vanish: nobody can read these digits.
    Planted("fidelity: thinner strokes", lambda s, n, g: thinner(new_images(s, n, g)), (LOW_FIDELITY,), (MODES_LOST,)),
    Planted("fidelity: half the contrast", lambda s, n, g: contrast(new_images(s, n, g), 0.5), (LOW_FIDELITY,)),
    Planted("fidelity: checkerboard", lambda s, n, g: checkered(new_images(s, n, g), 30), (LOW_FIDELITY,)),
    Planted("fidelity: pixels of 2 by 2", lambda s, n, g: coarse(new_images(s, n, g)), (LOW_FIDELITY,)),
    Planted("fidelity: a square cut out", lambda s, n, g: cut(new_images(s, n, g), 6, g), (LOW_FIDELITY,)),
    Planted("fidelity: negatives", lambda s, n, g: 255 - new_images(s, n, g), (LOW_FIDELITY,)),
    Planted("fidelity: averages of two training images", lambda s, n, g: fades(s.train, n, g), (LOW_FIDELITY,)),
    Planted("fidelity: a quarter noise", mixed((0.25, noise), (0.75, new_images)), (LOW_FIDELITY,)),
    Planted("fidelity: a quarter other data", mixed((0.25, _others), (0.75, new_images)), (LOW_FIDELITY,)),
    Planted("fidelity: a tenth noise", mixed((0.1, noise), (0.9, new_images)), (LOW_FIDELITY,)),
    Planted(
        "two: five classes, blurred",
        lambda s, n, g: blurred(of_classes(s, (0, 2, 4, 6, 8), n, g), 1.5),
        (LOW_FIDELITY, MODES_LOST),
    ),
    Planted(
        "two: 40 training images with noise",
        lambda s, n, g: noisy(repeated(s.train, 40, n, g), 0.05, g),
        (MODES_LOST, COPYING),
        (LOW_FIDELITY,),
    ),
    Planted("two: half copies, half other data", mixed((0.5, copies), (0.5, _others)), (LOW_FIDELITY, COPYING)),
    Planted(
        "two: a class alone, a quarter noise",
        mixed((0.25, noise), (0.75, lambda s, n, g: of_classes(s, (7,), n, g))),
        (LOW_FIDELITY, MODES_LOST),
    ),
)
