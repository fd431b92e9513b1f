"""The Fréchet distance between two sets of features, each taken for a Gaussian (Heusel et al. 2017)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True)
class Moments:
    """Mean (features,) and unbiased covariance (features, features) in float64, and how many rows gave them."""

    mean: Tensor
    covariance: Tensor
    count: int

    @cached_property
    def root(self) -> Tensor:
        """The symmetric square root of the covariance (features, features)."""
        values, vectors = torch.linalg.eigh(self.covariance)
        root: Tensor = vectors * values.clamp(min=0).sqrt() @ vectors.T
        return root


def moments(features: Tensor) -> Moments:
    """Fit a Gaussian to features (n, features).

    Raises:
        ValueError: there are fewer than two rows, or a number is not finite.
    """
    if features.ndim != 2 or len(features) < 2:
        raise ValueError(f"a covariance takes two rows of features or more, not a tensor of {tuple(features.shape)}")
    if not torch.isfinite(features).all():
        raise ValueError("a feature is not a finite number")
    exact = features.double()
    mean = exact.mean(0)
    centred = exact - mean
    return Moments(mean, centred.T @ centred / (len(features) - 1), len(features))


def frechet_distance(a: Moments, b: Moments) -> float:
    """Return |m_a - m_b|^2 + tr(A + B - 2 (A B)^(1/2)), at least 0 (Dowson and Landau 1982).

    It is a squared distance. The eigenvalues of A B are those of A^(1/2) B A^(1/2), which is symmetric: so no root of
    a matrix without symmetry is needed, and nothing complex comes up. That of A is kept.
    """
    cross = torch.linalg.eigvalsh(a.root @ b.covariance @ a.root).clamp(min=0).sqrt().sum()
    means = (a.mean - b.mean).square().sum()
    return max(0.0, float(means + a.covariance.trace() + b.covariance.trace() - 2 * cross))
