"""Sets of images with a known fault, planted for the judge to find, and sets without one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

LOW_FIDELITY, MODES_LOST, COPYING = "low_fidelity", "modes_lost", "copying"


@dataclass(frozen=True)
class Stock:
    """Real images uint8 (n, channels, size, size) to make sets of, with their classes (n,).

    `new` are real images that neither the generator nor the reference has seen, `other` those of another data set.
    """

    train: Tensor
    train_labels: Tensor
    new: Tensor
    new_labels: Tensor
    other: Tensor


@dataclass(frozen=True)
class Planted:
    """How to make a set of `count` images, and the verdicts that a judge should give: None where any is right.

    Those of `also` may stand beside them.
    """

    name: str
    make: Callable[[Stock, int, torch.Generator], Tensor]
    verdicts: tuple[str, ...] | None
    also: tuple[str, ...] = ()


def some(pixels: Tensor, count: int, draws: torch.Generator) -> Tensor:
    """Draw images without repeating one, as long as there are enough."""
    order = torch.randperm(len(pixels), generator=draws)
    rounds = -(-count // len(pixels))
    return pixels[order.repeat(rounds)[:count]]


def new_images(stock: Stock, count: int, draws: torch.Generator) -> Tensor:
    """Draw real images that nobody has seen."""
    return some(stock.new, count, draws)


def copies(stock: Stock, count: int, draws: torch.Generator) -> Tensor:
    """Draw training images."""
    return some(stock.train, count, draws)


def as_bytes(values: Tensor) -> Tensor:
    """Round values of 0 to 255 to bytes."""
    return values.round().clamp(0, 255).to(torch.uint8)


def noisy(pixels: Tensor, deviation: float, draws: torch.Generator) -> Tensor:
    """Add Gaussian noise; the deviation is a share of the range of a pixel."""
    return as_bytes(pixels.float() + 255 * deviation * torch.randn(pixels.shape, generator=draws))


def shifted(pixels: Tensor, draws: torch.Generator, most: int = 1) -> Tensor:
    """Move each image by up to some pixels in a direction of its own, never by none."""
    moves = [(y, x) for y in range(-most, most + 1) for x in range(-most, most + 1) if (y, x) != (0, 0)]
    drawn = torch.randint(len(moves), (len(pixels),), generator=draws)
    found = torch.empty_like(pixels)
    for number, (y, x) in enumerate(moves):
        found[drawn == number] = pixels[drawn == number].roll((y, x), (2, 3))
    return found


def blurred(pixels: Tensor, deviation: float) -> Tensor:
    """Blur by a Gaussian of a deviation in pixels."""
    reach = int(3 * deviation) + 1
    line = torch.exp(-(torch.arange(-reach, reach + 1).float() ** 2) / (2 * deviation**2))
    kernel = (line[:, None] * line[None]) / line.sum() ** 2
    channels = pixels.shape[1]
    padded = F.pad(pixels.float(), (reach,) * 4, mode="replicate")
    return as_bytes(F.conv2d(padded, kernel.expand(channels, 1, -1, -1), groups=channels))


def salted(pixels: Tensor, share: float, draws: torch.Generator) -> Tensor:
    """Set a share of the pixels to white."""
    return torch.where(torch.rand(pixels.shape, generator=draws) < share, torch.tensor(255, dtype=torch.uint8), pixels)


def blocky(pixels: Tensor, strength: float) -> Tensor:
    """Quantise the cosine coefficients of blocks of four pixels, as JPEG does with eight."""
    n = torch.arange(4).float()
    basis = torch.cos((2 * n[None] + 1) * n[:, None] * torch.pi / 8) * torch.tensor([0.5, *[0.5**0.5] * 3])[:, None]
    blocks = pixels.float().unfold(2, 4, 4).unfold(3, 4, 4)  # (n, C, rows, columns, 4, 4)
    steps = strength * (1 + n[:, None] + n[None])
    coarse = (basis @ blocks @ basis.T / steps).round() * steps
    plain = basis.T @ coarse @ basis
    return as_bytes(plain.permute(0, 1, 2, 4, 3, 5).reshape(pixels.shape))


def of_classes(stock: Stock, classes: Sequence[int], count: int, draws: torch.Generator) -> Tensor:
    """Draw real images of some classes."""
    return some(stock.new[torch.isin(stock.new_labels, torch.tensor(classes))], count, draws)


def rare(stock: Stock, count: int, draws: torch.Generator, part: float = 0.1, which: int = 3) -> Tensor:
    """Draw real images with one class at a part of its share."""
    own = stock.new_labels == which
    few = round(part * count * float(own.float().mean()))
    drawn = [some(stock.new[own], few, draws), some(stock.new[~own], count - few, draws)]
    return torch.cat(drawn)


def mixed(*parts: tuple[float, Callable[[Stock, int, torch.Generator], Tensor]]) -> Callable[..., Tensor]:
    """Return what makes a set of several, each with its share of the images."""

    def make(stock: Stock, count: int, draws: torch.Generator) -> Tensor:
        sizes = [round(count * share) for share, _ in parts]
        sizes[-1] = count - sum(sizes[:-1])
        return torch.cat([part(stock, size, draws) for size, (_, part) in zip(sizes, parts, strict=True)])

    return make


def repeated(pixels: Tensor, many: int, count: int, draws: torch.Generator) -> Tensor:
    """Draw some of the images, and show these again and again."""
    return some(some(pixels, many, draws), count, draws)


def fades(pixels: Tensor, count: int, draws: torch.Generator) -> Tensor:
    """Average two images each."""
    return as_bytes((some(pixels, count, draws).float() + some(pixels, count, draws).float()) / 2)


def noise(stock: Stock, count: int, draws: torch.Generator) -> Tensor:
    """Draw each pixel by itself."""
    return torch.randint(0, 256, (count, *stock.new.shape[1:]), generator=draws, dtype=torch.uint8)


def contrast(pixels: Tensor, times: float, plus: float = 0.0) -> Tensor:
    """Multiply brightness, and add to it."""
    return as_bytes(pixels.float() * times + plus)


SETS = (
    Planted("real: new images", new_images, ()),
    Planted("real: 0.2 % copies", mixed((0.002, copies), (0.998, new_images)), ()),
    Planted("real: 1 % copies", mixed((0.01, copies), (0.99, new_images)), None),
    Planted("copies: exact", copies, (COPYING,)),
    Planted("copies: noise of .05", lambda s, n, g: noisy(copies(s, n, g), 0.05, g), (COPYING,)),
    # Noise of a tenth of the range can be seen.
    Planted("copies: noise of .1", lambda s, n, g: noisy(copies(s, n, g), 0.1, g), (COPYING,), (LOW_FIDELITY,)),
    # Real digits stand in the middle: some extractors of quarter turns notice it.
    Planted("copies: shifted by a pixel", lambda s, n, g: shifted(copies(s, n, g), g), (COPYING,), (LOW_FIDELITY,)),
    Planted("copies: mirrored", lambda s, n, g: copies(s, n, g).flip(3), (COPYING,), (LOW_FIDELITY,)),
    Planted("copies: contrast .8", lambda s, n, g: contrast(copies(s, n, g), 0.8), (COPYING,), (LOW_FIDELITY,)),
    Planted("copies: half of the images", mixed((0.5, copies), (0.5, new_images)), (COPYING,)),
    Planted("copies: a tenth of the images", mixed((0.1, copies), (0.9, new_images)), (COPYING,)),
    Planted("modes: five classes", lambda s, n, g: of_classes(s, (0, 2, 4, 6, 8), n, g), (MODES_LOST,)),
    Planted("modes: nine classes", lambda s, n, g: of_classes(s, range(9), n, g), (MODES_LOST,)),
    Planted("modes: one class", lambda s, n, g: of_classes(s, (5,), n, g), (MODES_LOST,)),
    Planted("modes: the class 1 alone", lambda s, n, g: of_classes(s, (1,), n, g), (MODES_LOST,)),
    Planted("modes: a class at a tenth", rare, (MODES_LOST,)),
    Planted("modes: 20 new images repeated", lambda s, n, g: repeated(s.new, 20, n, g), (MODES_LOST,)),
    Planted("modes: 100 new images repeated", lambda s, n, g: repeated(s.new, 100, n, g), (MODES_LOST,)),
    Planted("fidelity: noise", noise, (LOW_FIDELITY,)),
    Planted("fidelity: blur of 1 pixel", lambda s, n, g: blurred(new_images(s, n, g), 1.0), (LOW_FIDELITY,)),
    Planted("fidelity: blur of 1.5 pixels", lambda s, n, g: blurred(new_images(s, n, g), 1.5), (LOW_FIDELITY,)),
    Planted("fidelity: 5 % salt", lambda s, n, g: salted(new_images(s, n, g), 0.05, g), (LOW_FIDELITY,)),
    Planted("fidelity: 10 % salt", lambda s, n, g: salted(new_images(s, n, g), 0.1, g), (LOW_FIDELITY,)),
    Planted("fidelity: noise of .2", lambda s, n, g: noisy(new_images(s, n, g), 0.2, g), (LOW_FIDELITY,)),
    Planted("fidelity: other data", lambda s, n, g: some(s.other, n, g), (LOW_FIDELITY,)),
    Planted("fidelity: cross-fades", lambda s, n, g: fades(s.new, n, g), (LOW_FIDELITY,)),
    Planted("fidelity: blocks", lambda s, n, g: blocky(new_images(s, n, g), 150.0), (LOW_FIDELITY,)),
    Planted(
        "fidelity: brighter by a quarter", lambda s, n, g: contrast(new_images(s, n, g), 0.75, 64), (LOW_FIDELITY,)
    ),
    Planted(
        "two: five classes, salt",
        lambda s, n, g: salted(of_classes(s, (0, 2, 4, 6, 8), n, g), 0.1, g),
        (LOW_FIDELITY, MODES_LOST),
    ),
    Planted("two: 20 training images repeated", lambda s, n, g: repeated(s.train, 20, n, g), (MODES_LOST, COPYING)),
    Planted(
        "two: copies of five classes",
        lambda s, n, g: some(s.train[torch.isin(s.train_labels, torch.tensor((1, 3, 5, 7, 9)))], n, g),
        (MODES_LOST, COPYING),
    ),
    Planted("two: half copies, half noise", mixed((0.5, copies), (0.5, noise)), (LOW_FIDELITY, COPYING)),
)
