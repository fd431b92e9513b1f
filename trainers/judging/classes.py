"""How images are spread over classes, or over cells of features, beside real images."""

from __future__ import annotations

import torch
from torch import Tensor

# A class is missing if fewer images than this part of its real share show it.
MISSING = 0.2


def histogram(probabilities: Tensor) -> Tensor:
    """Return the share of images whose likeliest class is each class, of probabilities (n, classes)."""
    return shares(probabilities.argmax(1), probabilities.shape[1])


def shares(labels: Tensor, many: int) -> Tensor:
    """Return the share of each of `many` labels (n,), in float64."""
    return torch.bincount(labels, minlength=many).double() / max(1, len(labels))


def divergence(generated: Tensor, real: Tensor) -> float:
    """Return the Kullback-Leibler divergence, in nats, of the generated shares (classes,) from the real ones.

    A class that no real image has counts as if half an image in ten thousand showed it: else one generated image of it
    would make the divergence infinite.
    """
    floor = real.clamp(min=5e-5)
    floor = floor / floor.sum()
    return max(0.0, float((torch.special.xlogy(generated, generated) - torch.special.xlogy(generated, floor)).sum()))


def missing(generated: Tensor, real: Tensor, part: float = MISSING) -> list[int]:
    """Return the classes that have under a part of their real share (classes,), usually a fifth."""
    few = (generated < part * real) & (real > 0)
    return [int(one) for one in few.nonzero()[:, 0]]


def cells(features: Tensor, many: int, seed: int, rounds: int = 20) -> Tensor:
    """Return the centres (many, d) of k-means on features (n, d), from centres drawn as k-means++ does.

    Arthur and Vassilvitskii 2007: each first centre is drawn with a probability that grows with its squared distance
    to those before it.
    """
    draws = torch.Generator().manual_seed(seed)
    points = features.float()
    first = int(torch.randint(len(points), (1,), generator=draws))
    centres = points[first][None]
    for _ in range(many - 1):
        away = torch.cdist(points, centres).amin(1).square().double()
        if float(away.sum()) == 0:  # fewer different points than cells
            break
        at = torch.rand(1, generator=draws, dtype=torch.float64) * away.sum()
        centres = torch.cat([centres, points[int(torch.searchsorted(away.cumsum(0), at)) % len(points)][None]])
    for _ in range(rounds):
        own = cell_of(points, centres)
        sums = torch.zeros_like(centres).index_add_(0, own, points)
        counts = torch.bincount(own, minlength=len(centres))[:, None]
        centres = torch.where(counts > 0, sums / counts.clamp(min=1), centres)
    return centres


def cell_of(features: Tensor, centres: Tensor) -> Tensor:
    """Return the number of the nearest centre of each row (n,)."""
    return torch.cat([torch.cdist(some.float(), centres).argmin(1) for some in torch.split(features, 2000)])
