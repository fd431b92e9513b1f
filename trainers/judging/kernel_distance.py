"""The kernel distance of two sets of features (KID, Binkowski et al. 2018)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

SUBSETS = 100
SIZE = 1000
# Numbers in one block of kernels: 16 MB of float64.
_BLOCK = 2_000_000


class KernelDistance(NamedTuple):
    """Mean and standard deviation over the subsets."""

    mean: float
    std: float


def kernel_distance(x: Tensor, y: Tensor, seed: int, subsets: int = SUBSETS, size: int = SIZE) -> KernelDistance:
    """Return the unbiased squared MMD of two sets of features (n, d) and (m, d), over random subsets of both.

    Binkowski et al. 2018, equation 4. The kernel is (x y / d + 1)^3. A subset takes `size` rows of each set, or half of
    the smaller one where that is less: a subset of all rows would be the same each time. It can be below 0, because its
    mean is 0 for two samples of one distribution.

    Raises:
        ValueError: a set has fewer than four rows.
    """
    size = min(size, len(x) // 2, len(y) // 2)
    if size < 2:
        raise ValueError("a kernel distance takes four rows of each set or more")
    draws = torch.Generator().manual_seed(seed)
    chosen = [torch.zeros(subsets, len(rows), dtype=torch.float64) for rows in (x, y)]
    for number in range(subsets):
        for rows in chosen:
            rows[number, torch.randperm(rows.shape[1], generator=draws)[:size]] = 1
    of_x, of_y = chosen
    own = _pairs(x, x, of_x, of_x) - of_x @ _own(x) + _pairs(y, y, of_y, of_y) - of_y @ _own(y)
    found = own / (size * (size - 1)) - 2 * _pairs(x, y, of_x, of_y) / size**2
    return KernelDistance(float(found.mean()), float(found.std()) if subsets > 1 else 0.0)


def _pairs(x: Tensor, y: Tensor, of_x: Tensor, of_y: Tensor) -> Tensor:
    """Return the sums (subsets,) of the kernel over all pairs of rows of x (n, d) and y (m, d) that are in a subset.

    `of_x` (subsets, n) and `of_y` (subsets, m) are 1 for rows of a subset and 0 for others. So each pair's kernel is
    made once, and the sums of all subsets are two matrix products.
    """
    found = torch.zeros(len(of_x), dtype=torch.float64)
    rows = max(1, _BLOCK // len(y))
    for start in range(0, len(x), rows):
        base = (x[start : start + rows].float() @ y.float().T / x.shape[1] + 1).double()
        found += (of_x[:, start : start + rows] @ (base * base * base) * of_y).sum(1)
    return found


def _own(x: Tensor) -> Tensor:
    """Return the kernel of each row (n, d) with itself (n,)."""
    base = (x.float().square().sum(1) / x.shape[1] + 1).double()
    return base * base * base
