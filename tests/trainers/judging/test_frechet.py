"""The Fréchet distance against closed forms and a restatement in numpy."""

import numpy as np
import pytest
import torch

from trainers.judging.frechet import Moments, frechet_distance, moments


def gaussian(mean, covariance) -> Moments:
    return Moments(torch.tensor(mean, dtype=torch.float64), torch.tensor(covariance, dtype=torch.float64), 100)


def features(seed: int, rows: int = 60, width: int = 7) -> torch.Tensor:
    draws = torch.Generator().manual_seed(seed)
    mixing = torch.randn(width, width, generator=draws)
    return torch.randn(rows, width, generator=draws) @ mixing + torch.randn(width, generator=draws)


def test_distance_of_two_gaussians_has_its_closed_form():
    a = gaussian([0.0, 1.0], [[4.0, 0.0], [0.0, 9.0]])
    b = gaussian([3.0, 5.0], [[1.0, 0.0], [0.0, 16.0]])
    # Diagonal covariances: the means give 9 + 16, each axis the square of the difference of the two deviations.
    assert frechet_distance(a, b) == pytest.approx(25 + (2 - 1) ** 2 + (3 - 4) ** 2, abs=1e-9)
    assert frechet_distance(b, a) == pytest.approx(27, abs=1e-9)


def test_distance_of_a_set_to_itself_is_zero():
    own = moments(features(1))
    assert 0 <= frechet_distance(own, own) < 1e-9
    # Fewer rows than features: the covariance has no inverse.
    few = moments(features(2, rows=4))
    assert 0 <= frechet_distance(few, few) < 1e-6


def test_distance_equals_a_restatement_in_numpy():
    a, b = features(3), features(4)
    x, y = a.double().numpy(), b.double().numpy()
    cov_x, cov_y = np.cov(x.T), np.cov(y.T)
    # tr((A B)^(1/2)) is the sum of the roots of the eigenvalues of A B.
    root = np.sqrt(np.clip(np.linalg.eigvals(cov_x @ cov_y).real, 0, None)).sum()
    expected = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(cov_x) + np.trace(cov_y) - 2 * root
    assert frechet_distance(moments(a), moments(b)) == pytest.approx(expected, rel=1e-9)


def test_moments_are_those_of_numpy_and_refuse_what_has_none():
    found = moments(features(5))
    assert np.allclose(found.covariance.numpy(), np.cov(features(5).double().numpy().T))
    assert np.allclose(found.mean.numpy(), features(5).double().numpy().mean(0))
    assert (found.count, found.covariance.dtype) == (60, torch.float64)
    with pytest.raises(ValueError, match="two rows"):
        moments(torch.zeros(1, 3))
    with pytest.raises(ValueError, match="finite"):
        moments(torch.tensor([[1.0], [torch.nan]]))
