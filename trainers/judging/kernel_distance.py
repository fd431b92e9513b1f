"""The kernel distance of two sets of features (KID, Binkowski et al. 2018)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

SUBSETS = 100
SIZE = 1000


class KernelDistance(NamedTuple):
    """Mean and standard deviation over the subsets."""

    mean: float
    std: float


def kernel_distance(x: Tensor, y: Tensor, seed: int, subsets: int = SUBSETS, size: int = SIZE) -> KernelDistance:
    """Return the unbiased squared MMD of two sets of features (n, d) and (m, d), over random subsets of both.

    The kernel is (x y / d + 1)^3. A subset takes `size` rows of each set, or half of the smaller one where that is
    less: a subset of all rows would be the same each time. It can be below 0, because its mean is 0 for two samples of
    one distribution.

    Raises:
        ValueError: a set has fewer than four rows.
    """
    size = min(size, len(x) // 2, len(y) // 2)
    if size < 2:
        raise ValueError("a kernel distance takes four rows of each set or more")
    draws = torch.Generator().manual_seed(seed)
    found = torch.empty(subsets, dtype=torch.float64)
    for number in range(subsets):
        some_x = x[torch.randperm(len(x), generator=draws)[:size]]
        some_y = y[torch.randperm(len(y), generator=draws)[:size]]
        found[number] = squared_mmd(some_x, some_y)
    return KernelDistance(float(found.mean()), float(found.std()) if subsets > 1 else 0.0)


def squared_mmd(x: Tensor, y: Tensor) -> float:
    """Return the unbiased squared MMD of equally many rows (n, d): Binkowski et al. 2018, equation 4."""
    n, width = x.shape
    # One matrix for all pairs (2 n, 2 n): rows and columns are those of x, then of y.
    both = torch.cat([x, y]).float()
    kernel = (both @ both.T / width + 1).double().pow_(3)
    own = kernel.diagonal()
    within = kernel[:n, :n].sum() + kernel[n:, n:].sum() - own.sum()
    return float(within / (n * (n - 1)) - 2 * kernel[:n, n:].mean())
