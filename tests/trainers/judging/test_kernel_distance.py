"""The kernel distance against a restatement in numpy."""

import numpy as np
import pytest
import torch

from trainers.judging.kernel_distance import kernel_distance


def features(seed: int, rows: int = 300, width: int = 5, shift: float = 0.0) -> torch.Tensor:
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(seed)) + shift


def test_a_subset_has_the_sum_over_its_pairs():
    x, y = features(1, 24), features(2, 30, shift=0.5)
    draws = torch.Generator().manual_seed(3)
    a, b = (rows[torch.randperm(len(rows), generator=draws)[:12]].double().numpy() for rows in (x, y))

    def kernel(u, v):
        return (u @ v / 5 + 1) ** 3

    within = sum(kernel(s[i], s[j]) for s in (a, b) for i in range(12) for j in range(12) if i != j) / (12 * 11)
    between = sum(kernel(u, v) for u in a for v in b) / 12**2
    found = kernel_distance(x, y, seed=3, subsets=1)
    assert found.mean == pytest.approx(within - 2 * between, rel=1e-5)
    assert found.std == 0


def test_distance_of_two_samples_of_one_distribution_is_zero_on_average():
    found = [kernel_distance(features(n), features(100 + n), seed=n, subsets=10).mean for n in range(20)]
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(20)
    far = kernel_distance(features(1), features(2, shift=1.0), seed=1, subsets=10)
    assert far.mean > 10 * np.std(found)
    assert 0 < far.std < far.mean


def test_one_seed_gives_one_distance():
    x, y = features(1), features(2, 70)
    assert kernel_distance(x, y, seed=3, subsets=5) == kernel_distance(x, y, seed=3, subsets=5)
    assert kernel_distance(x, y, seed=3, subsets=5) != kernel_distance(x, y, seed=4, subsets=5)
    with pytest.raises(ValueError, match="four rows"):
        kernel_distance(x, y[:3], seed=1)
