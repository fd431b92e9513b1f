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


def _some(pixels: Tensor, count: int, draws: torch.Generator) -> Tensor:
    """Draw images without repeating one, as long as there are enough."""
    order = torch.randperm(len(pixels), generator=draws)
    rounds = -(-count // len(pixels))
    return pixels[order.repeat(rounds)[:count]]


def _new(stock: Stock, count: int, draws: torch.Generator) -> Tensor:
    return _some(stock.new, count, draws)


def _copies(stock: Stock, count: int, draws: torch.Generator) -> Tensor:
    return _some(stock.train, count, draws)


def _bytes(values: Tensor) -> Tensor:
    return values.round().clamp(0, 255).to(torch.uint8)


def noisy(pixels: Tensor, deviation: float, draws: torch.Generator) -> Tensor:
    """Add Gaussian noise; the deviation is a share of the range of a pixel."""
    return _bytes(pixels.float() + 255 * deviation * torch.randn(pixels.shape, generator=draws))


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
    return _bytes(F.conv2d(padded, kernel.expand(channels, 1, -1, -1), groups=channels))


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
    return _bytes(plain.permute(0, 1, 2, 4, 3, 5).reshape(pixels.shape))


def _of_classes(stock: Stock, classes: Sequence[int], count: int, draws: torch.Generator) -> Tensor:
    return _some(stock.new[torch.isin(stock.new_labels, torch.tensor(classes))], count, draws)


def _rare(stock: Stock, count: int, draws: torch.Generator, which: int = 3) -> Tensor:
    """Draw real images with one class at a tenth of its share."""
    own = stock.new_labels == which
    few = round(0.1 * count * float(own.float().mean()))
    drawn = [_some(stock.new[own], few, draws), _some(stock.new[~own], count - few, draws)]
    return torch.cat(drawn)


def _mixed(*parts: tuple[float, Callable[[Stock, int, torch.Generator], Tensor]]) -> Callable[..., Tensor]:
    def make(stock: Stock, count: int, draws: torch.Generator) -> Tensor:
        sizes = [round(count * share) for share, _ in parts]
        sizes[-1] = count - sum(sizes[:-1])
        return torch.cat([part(stock, size, draws) for size, (_, part) in zip(sizes, parts, strict=True)])

    return make


def _repeated(pixels: Tensor, many: int, count: int, draws: torch.Generator) -> Tensor:
    return _some(_some(pixels, many, draws), count, draws)


def _fades(pixels: Tensor, count: int, draws: torch.Generator) -> Tensor:
    return _bytes((_some(pixels, count, draws).float() + _some(pixels, count, draws).float()) / 2)


def _noise(stock: Stock, count: int, draws: torch.Generator) -> Tensor:
    return torch.randint(0, 256, (count, *stock.new.shape[1:]), generator=draws, dtype=torch.uint8)


def _contrast(pixels: Tensor, times: float, plus: float = 0.0) -> Tensor:
    return _bytes(pixels.float() * times + plus)


SETS = (
    Planted("real: new images", _new, ()),
    Planted("real: 0.2 % copies", _mixed((0.002, _copies), (0.998, _new)), ()),
    Planted("real: 1 % copies", _mixed((0.01, _copies), (0.99, _new)), None),
    Planted("copies: exact", _copies, (COPYING,)),
    Planted("copies: noise of .05", lambda s, n, g: noisy(_copies(s, n, g), 0.05, g), (COPYING,)),
    Planted("copies: noise of .1", lambda s, n, g: noisy(_copies(s, n, g), 0.1, g), (COPYING,)),
    Planted("copies: shifted by a pixel", lambda s, n, g: shifted(_copies(s, n, g), g), (COPYING,)),
    Planted("copies: mirrored", lambda s, n, g: _copies(s, n, g).flip(3), (COPYING,), (LOW_FIDELITY,)),
    Planted("copies: contrast .8", lambda s, n, g: _contrast(_copies(s, n, g), 0.8), (COPYING,), (LOW_FIDELITY,)),
    Planted("copies: half of the images", _mixed((0.5, _copies), (0.5, _new)), (COPYING,)),
    Planted("copies: a tenth of the images", _mixed((0.1, _copies), (0.9, _new)), (COPYING,)),
    Planted("modes: five classes", lambda s, n, g: _of_classes(s, (0, 2, 4, 6, 8), n, g), (MODES_LOST,)),
    Planted("modes: nine classes", lambda s, n, g: _of_classes(s, range(9), n, g), (MODES_LOST,)),
    Planted("modes: one class", lambda s, n, g: _of_classes(s, (5,), n, g), (MODES_LOST,)),
    Planted("modes: the class 1 alone", lambda s, n, g: _of_classes(s, (1,), n, g), (MODES_LOST,)),
    Planted("modes: a class at a tenth", _rare, (MODES_LOST,)),
    Planted("modes: 20 new images repeated", lambda s, n, g: _repeated(s.new, 20, n, g), (MODES_LOST,)),
    Planted("modes: 100 new images repeated", lambda s, n, g: _repeated(s.new, 100, n, g), (MODES_LOST,)),
    Planted("fidelity: noise", _noise, (LOW_FIDELITY,)),
    Planted("fidelity: blur of 1 pixel", lambda s, n, g: blurred(_new(s, n, g), 1.0), (LOW_FIDELITY,)),
    Planted("fidelity: blur of 1.5 pixels", lambda s, n, g: blurred(_new(s, n, g), 1.5), (LOW_FIDELITY,)),
    Planted("fidelity: 5 % salt", lambda s, n, g: salted(_new(s, n, g), 0.05, g), (LOW_FIDELITY,)),
    Planted("fidelity: 10 % salt", lambda s, n, g: salted(_new(s, n, g), 0.1, g), (LOW_FIDELITY,)),
    Planted("fidelity: noise of .2", lambda s, n, g: noisy(_new(s, n, g), 0.2, g), (LOW_FIDELITY,)),
    Planted("fidelity: other data", lambda s, n, g: _some(s.other, n, g), (LOW_FIDELITY,)),
    Planted("fidelity: cross-fades", lambda s, n, g: _fades(s.new, n, g), (LOW_FIDELITY,)),
    Planted("fidelity: blocks", lambda s, n, g: blocky(_new(s, n, g), 150.0), (LOW_FIDELITY,)),
    Planted("fidelity: brighter by a quarter", lambda s, n, g: _contrast(_new(s, n, g), 0.75, 64), (LOW_FIDELITY,)),
    Planted(
        "two: five classes, salt",
        lambda s, n, g: salted(_of_classes(s, (0, 2, 4, 6, 8), n, g), 0.1, g),
        (LOW_FIDELITY, MODES_LOST),
    ),
    Planted("two: 20 training images repeated", lambda s, n, g: _repeated(s.train, 20, n, g), (MODES_LOST, COPYING)),
    Planted(
        "two: copies of five classes",
        lambda s, n, g: _some(s.train[torch.isin(s.train_labels, torch.tensor((1, 3, 5, 7, 9)))], n, g),
        (MODES_LOST, COPYING),
    ),
    Planted("two: half copies, half noise", _mixed((0.5, _copies), (0.5, _noise)), (LOW_FIDELITY, COPYING)),
)
