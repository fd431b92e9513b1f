"""Nearest neighbours of features, and the figures made of them: precision and recall, density and coverage."""

from __future__ import annotations

from typing import Iterator, NamedTuple

import torch
from torch import Tensor

# Numbers in one block of distances: 16 MB of float32, whatever the counts are.
_BLOCK = 4_000_000
# Neighbours that make a ball: 3 by Kynkäänniemi et al. 2019, 5 by Naeem et al. 2020.
PRECISION_NEIGHBOURS = 3
COVERAGE_NEIGHBOURS = 5


class Nearest(NamedTuple):
    """The nearest rows of a pool: Euclidean distances (n, k), rising, and indices (n, k)."""

    distances: Tensor
    indices: Tensor


class Balls(NamedTuple):
    """Shares of two sets that lie in each other's balls, and the mean number of balls around a point."""

    precision: float
    recall: float
    density: float
    coverage: float


def nearest(points: Tensor, pool: Tensor, k: int = 1) -> Nearest:
    """Return the k rows of a pool (m, features) that are nearest to each point (n, features).

    Raises:
        ValueError: the pool has fewer than k rows.
    """
    if not 1 <= k <= len(pool):
        raise ValueError(f"a pool of {len(pool)} has no {k} nearest")
    found = [block.topk(k, largest=False).indices for _, block in blocks(points, pool)]
    return _measured(points, pool, torch.cat(found) if found else torch.empty(0, k, dtype=torch.long))


def nearest_others(pool: Tensor, k: int = 1, rows: Tensor | None = None) -> Nearest:
    """Return the k other rows of a pool that are nearest to each of its rows, or to the given ones (n,).

    Raises:
        ValueError: there are no k others.
    """
    if not 1 <= k < len(pool):
        raise ValueError(f"a row of {len(pool)} has no {k} others")
    own = torch.arange(len(pool), device=pool.device) if rows is None else rows
    found = []
    for start, block in blocks(pool[own], pool):
        # A row is not its own neighbour; another row that equals it is.
        block.scatter_(1, own[start : start + len(block), None], torch.inf)
        found.append(block.topk(k, largest=False).indices)
    return _measured(pool[own], pool, torch.cat(found) if found else torch.empty(0, k, dtype=torch.long))


def radii(features: Tensor, k: int) -> Tensor:
    """Return the distance of each row to its k-th nearest other row (n,)."""
    return nearest_others(features, k).distances[:, -1]


def balls(real: Tensor, fake: Tensor) -> Balls:
    """Return precision, recall (k = 3) and density, coverage (k = 5) of fakes (m, features) for reals (n, features).

    Precision: the share of fakes in a ball of a real image; recall: of reals in a ball of a fake (Kynkäänniemi et al.
    2019). Density: how many real balls hold a fake on average, over k; coverage: the share of real balls that hold a
    fake (Naeem et al. 2020). A ball reaches to the k-th nearest other image of its own set.

    Raises:
        ValueError: a set has too few rows for its balls.
    """
    near, wide = _reach(real, PRECISION_NEIGHBOURS), _reach(real, COVERAGE_NEIGHBOURS)
    fakes = _reach(fake, PRECISION_NEIGHBOURS)
    precise = torch.zeros(len(fake), dtype=torch.bool, device=fake.device)
    held = torch.zeros(len(fake), device=fake.device)
    recalled, covered = 0, 0
    for start, block in blocks(real, fake):
        end = start + len(block)
        precise |= (block <= near[start:end, None]).any(0)
        within = block <= wide[start:end, None]
        held += within.sum(0)
        covered += int(within.any(1).sum())
        recalled += int((block <= fakes[None]).any(1).sum())
    return Balls(
        float(precise.float().mean()),
        recalled / len(real),
        float(held.mean()) / COVERAGE_NEIGHBOURS,
        covered / len(real),
    )


def coverage(real: Tensor, reach: Tensor, fake: Tensor) -> float:
    """Return the share of real images (n, features) that have one of the fakes (m, features) within their radii (n,).

    Raises:
        ValueError: there is no fake.
    """
    return float((nearest(real, fake).distances[:, 0] <= reach).float().mean())


def expected_coverage(real: int, fake: int, k: int = COVERAGE_NEIGHBOURS) -> float:
    """Return the coverage of two samples of one distribution: 1 - prod_{i=1..k} (n - i) / (n + m - i).

    A ball is empty if the k nearest of the other n - 1 real images and m fakes are all real: for equally many, Naeem
    et al. 2020, lemma 2 (with n - 1 others in place of n).
    """
    empty = 1.0
    for i in range(1, k + 1):
        empty *= (real - i) / (real + fake - i)
    return 1 - empty


def _reach(features: Tensor, k: int) -> Tensor:
    return squared(radii(features, k))


def squared(distances: Tensor) -> Tensor:
    """Return radii as `blocks` has distances: squared, and with room for the rounding of its matrix product."""
    return distances.square() * (1 + 1e-5)


def blocks(points: Tensor, pool: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Yield the first row and the squared distances (rows, m) of blocks of the points.

    |x - y|^2 = |x|^2 + |y|^2 - 2 x y is a matrix product. What is common to all points would only cost digits, so the
    mean of the pool is taken off first.
    """
    centre = pool.float().mean(0)
    away = pool.float() - centre
    squares = away.square().sum(1)
    rows = max(1, _BLOCK // max(1, len(pool)))
    for start in range(0, len(points), rows):
        some = points[start : start + rows].float() - centre
        block = torch.addmm(squares[None], some, away.T, alpha=-2)
        yield start, block.add_(some.square().sum(1)[:, None]).clamp_(min=0)


def _measured(points: Tensor, pool: Tensor, indices: Tensor) -> Nearest:
    """Measure the distances to rows that a block has found, without the rounding of its matrix product."""
    found = torch.empty(indices.shape, dtype=torch.float32, device=points.device)
    rows = max(1, _BLOCK // max(1, points.shape[1] * indices.shape[1]))
    for start in range(0, len(points), rows):
        some = slice(start, start + rows)
        found[some] = (pool[indices[some]].float() - points[some, None].float()).square().sum(2).sqrt()
    distances, order = found.sort(1)
    return Nearest(distances, indices.gather(1, order))
