"""Whether generated images are copies of training images.

Judged on appearance, not on features: a small picture without brightness and contrast, at its nearest over shifts by
up to two pixels and mirroring. So copies are found that were shifted, mirrored, made paler or a little noisy. Images
of a class that are all alike are near to training images, too, without being copies. What tells them apart is the
*relative distance*: that to the nearest training image over the mean of those to the next nine, as Carlini et al.
2023 tell what diffusion models have learned by heart. It is about .85 for new digits of any class and under .3 for
copies.
"""

from __future__ import annotations

import math
from typing import Iterator, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from trainers.judging.neighbours import Nearest

# Side of the small pictures, in pixels, and of those that are shifted before: a shift by half a small pixel.
SIDE = 14
_FINE = 2 * SIDE
_SHIFT = 2
# The nearest and the nine after it.
NEIGHBOURS = 10
# Numbers in one block of distances: 16 MB of float32.
_BLOCK = 4_000_000
_QUANTILE = 0.01


def appearance(pixels: Tensor) -> Tensor:
    """Return small pictures (n, channels * side * side) of uint8 images (n, C, H, W), with mean 0 and norm 1."""
    found = [_normalised(F.avg_pool2d(_fine(some), 2)) for some in torch.split(pixels, 1000)]
    return torch.cat(found) if found else torch.empty(0, pixels.shape[1] * SIDE * SIDE)


def closest(pixels: Tensor, pool: Tensor, own: Tensor | None = None, k: int = NEIGHBOURS) -> Nearest:
    """Return the k training images nearest to each image (n, C, H, W); `pool` (m, d) is their appearance.

    `own` (n,) are the rows of the pool that the images themselves are, which then don't count.

    Raises:
        ValueError: the pool has fewer than k other rows.
    """
    if k > len(pool) - (own is not None):
        raise ValueError(f"{len(pool)} training images have no {k} nearest")
    distances, indices = [torch.empty(0, k)], [torch.empty(0, k, dtype=torch.long)]
    for _, block in _products(pixels, pool, own):
        top = block.topk(k)
        distances.append(_distances(top.values))
        indices.append(top.indices)
    return Nearest(torch.cat(distances), torch.cat(indices))


def within(pixels: Tensor, pool: Tensor, reach: Tensor) -> Tensor:
    """Return how many images of a pool (m, d) are nearer to each image (n, C, H, W) than its reach (n,)."""
    found = [torch.empty(0, dtype=torch.long)]
    for start, block in _products(pixels, pool, None):
        found.append((_distances(block) < reach[start : start + len(block), None]).sum(1))
    return torch.cat(found)


class Repeats(NamedTuple):
    """How images of a set repeat each other.

    Attributes:
        others: how many others each one nearly equals (n,).
        first: whether it nearly equals none before it (n,).
    """

    others: Tensor
    first: Tensor


def repeats(pixels: Tensor, reach: Tensor) -> Repeats:
    """Return which images (n, C, H, W) nearly equal others of them: those nearer than their reach (n,)."""
    columns = torch.arange(len(pixels))
    others, first = [torch.empty(0, dtype=torch.long)], [torch.empty(0, dtype=torch.bool)]
    for start, block in _products(pixels, appearance(pixels), columns):
        rows = columns[start : start + len(block), None]
        equal = _distances(block) < reach[rows]
        others.append(equal.sum(1))
        first.append(~(equal & (columns < rows)).any(1))
    return Repeats(torch.cat(others), torch.cat(first))


def distances_to(pixels: Tensor, pool: Tensor, own: Tensor | None = None) -> Iterator[Tensor]:
    """Yield blocks (rows, m) of the distances of images (n, C, H, W) to a pool (m, d), at the nearest view of each."""
    for _, block in _products(pixels, pool, own):
        yield _distances(block)


def _products(pixels: Tensor, pool: Tensor, own: Tensor | None) -> Iterator[tuple[int, Tensor]]:
    """Yield the first row and the products (rows, m) of blocks of images with a pool, the largest over all views.

    Of unit vectors |x - y|^2 = 2 - 2 x y: the largest product is that of the smallest distance.
    """
    rows = max(1, _BLOCK // len(pool))
    for start in range(0, len(pixels), rows):
        block = torch.full((len(pixels[start : start + rows]), len(pool)), -2.0)
        for view in _views(pixels[start : start + rows]):
            torch.maximum(block, view @ pool.T, out=block)
        if own is not None:
            block.scatter_(1, own[start : start + rows, None], -2.0)
        yield start, block


def _distances(products: Tensor) -> Tensor:
    return (2 - 2 * products).clamp(min=0).sqrt()


def relative(distances: Tensor) -> Tensor:
    """Return the nearest distance over the mean of the others (n,), of rising distances (n, k)."""
    return distances[:, 0] / distances[:, 1:].mean(1).clamp(min=1e-6)


def auth_pct(distances: Tensor, own: Tensor) -> float:
    """Return the percentage of images farther from their nearest training image than that one is from its nearest.

    Alaa et al. 2022, section 4.3. Both are distances (n,): those of the images, and those of the training images found.
    """
    return 100 * float((distances > own).double().mean())


def c_t(generated: Tensor, held_out: Tensor, cells: Tensor, held_out_cells: Tensor) -> float | None:
    """Return the mean over cells of the Mann-Whitney z of distances to training images, generated against held-out.

    Meehan et al. 2020, definition 4: cells weigh by their held-out images, and a cell counts that holds both. Below 0:
    generated images are nearer than held-out ones. Distances (n,), (m,) and their cells. None without a common cell.
    """
    total, weight = 0.0, 0
    for cell in torch.unique(held_out_cells):
        own, real = generated[cells == cell], held_out[held_out_cells == cell]
        if len(own) and len(real):
            total += len(real) * mann_whitney_z(own, real)
            weight += len(real)
    return total / weight if weight else None


def mann_whitney_z(a: Tensor, b: Tensor) -> float:
    """Return the z of the rank sum of a (n,) beside b (m,): 0 for one distribution, below 0 if a is smaller."""
    n, m = len(a), len(b)
    ordered = b.sort().values
    below = torch.searchsorted(ordered, a, right=False)
    # A tie counts half.
    not_above = torch.searchsorted(ordered, a, right=True)
    u = float((below + not_above).double().sum()) / 2
    return (u - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)


def limit(held_out: Tensor) -> float:
    """Return the 1st percentile of the (relative) distances of held-out images (n,)."""
    return float(torch.quantile(held_out.double(), _QUANTILE))


def duplicates(generated: Tensor, held_out: Tensor) -> float:
    """Return the share of images closer to a training image than the 1st percentile of held-out images."""
    return float((generated.double() < limit(held_out)).double().mean())


def _views(pixels: Tensor) -> Iterator[Tensor]:
    """Yield the appearance of images shifted by up to two 28ths of the side each way, and mirrored by up to one."""
    wide = F.pad(_fine(pixels), (_SHIFT,) * 4, mode="replicate")
    # The means of 2 by 2 pixels at each place (n, C, 31, 31): a view takes every second one of them.
    means = F.avg_pool2d(wide, 2, stride=1)
    for y in range(-_SHIFT, _SHIFT + 1):
        for x in range(-_SHIFT, _SHIFT + 1):
            down, right = _SHIFT + y, _SHIFT + x
            small = means[..., down : down + _FINE : 2, right : right + _FINE : 2]
            yield _normalised(small)
            if max(abs(y), abs(x)) <= 1:
                yield _normalised(small.flip(3))


def _fine(pixels: Tensor) -> Tensor:
    """Return images (n, C, H, W) as float32 (n, C, 28, 28)."""
    images = pixels.float()
    return images if images.shape[2:] == (_FINE, _FINE) else F.adaptive_avg_pool2d(images, _FINE)


def _normalised(small: Tensor) -> Tensor:
    """Return pictures (n, C, side, side) as rows with mean 0 and norm 1."""
    flat = small.flatten(1)
    flat = flat - flat.mean(1, keepdim=True)
    unit: Tensor = flat / torch.linalg.vector_norm(flat, dim=1, keepdim=True).clamp(min=1e-3)
    return unit
