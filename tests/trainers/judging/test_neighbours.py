"""Nearest neighbours and the figures made of them, against restatements in numpy."""

import numpy as np
import pytest
import torch

from trainers.judging import neighbours


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many blocks of a few rows, the last one smaller."""
    monkeypatch.setattr(neighbours, "_BLOCK", 7 * 83)


def features(seed: int, rows: int, width: int = 4, shift: float = 0.0) -> torch.Tensor:
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(seed)) + shift


def distances(a: torch.Tensor, b: torch.Tensor) -> np.ndarray:
    return np.sqrt(((a.double().numpy()[:, None] - b.double().numpy()[None]) ** 2).sum(2))


def own_radii(a: torch.Tensor, k: int) -> np.ndarray:
    return np.sort(distances(a, a), 1)[:, k]  # column 0 is the distance to itself


def test_nearest_finds_what_all_distances_show():
    points, pool = features(1, 50), features(2, 83)
    found = neighbours.nearest(points, pool, 3)
    expected = distances(points, pool)
    assert np.array_equal(found.indices.numpy(), np.argsort(expected, 1)[:, :3])
    assert np.allclose(found.distances.numpy(), np.sort(expected, 1)[:, :3], rtol=1e-5)


def test_nearest_of_a_copy_far_from_zero_is_exactly_at_no_distance():
    pool = features(3, 40, shift=1000.0)
    assert neighbours.nearest(pool[5:8], pool).distances.tolist() == [[0.0]] * 3


def test_nearest_others_leave_out_the_row_itself_but_not_its_twin():
    pool = features(4, 60)
    pool[7] = pool[50]
    found = neighbours.nearest_others(pool, 1, torch.tensor([50, 3]))
    assert found.indices[0].item() == 7
    assert found.distances[0].item() == 0
    assert found.distances[1].item() == pytest.approx(own_radii(pool, 1)[3], rel=1e-5)
    assert np.allclose(neighbours.radii(pool, 5).numpy(), own_radii(pool, 5), rtol=1e-5)


def covered(real, fake):
    return neighbours.coverage(real, neighbours.radii(real, neighbours.COVERAGE_NEIGHBOURS), fake)


def test_balls_equal_a_restatement_in_numpy():
    real, fake = features(5, 83), features(6, 70, shift=0.7)
    between = distances(real, fake)
    near, wide, fakes = own_radii(real, 3)[:, None], own_radii(real, 5)[:, None], own_radii(fake, 3)[None]
    found = neighbours.balls(real, fake)
    assert found.precision == pytest.approx((between <= near).any(0).mean(), abs=1e-6)
    assert found.recall == pytest.approx((between <= fakes).any(1).mean(), abs=1e-6)
    assert found.density == pytest.approx((between <= wide).sum(0).mean() / 5, abs=1e-6)
    assert found.coverage == pytest.approx((between <= wide).any(1).mean(), abs=1e-6)
    assert 0.1 < found.precision < 0.99, "the case must be able to show a difference"
    assert covered(real, fake) == pytest.approx(found.coverage, abs=1e-6)


def test_coverage_of_real_images_is_as_expected_for_any_counts():
    for real, fake in ((400, 400), (300, 600)):
        seen = [covered(features(n, real), features(100 + n, fake)) for n in range(6)]
        assert np.mean(seen) == pytest.approx(neighbours.expected_coverage(real, fake), abs=0.02)
    assert neighbours.expected_coverage(1000, 1000) == pytest.approx(0.969, abs=5e-4)
    assert covered(features(1, 400), features(2, 400, shift=50.0)) == 0


def test_too_few_rows_for_a_ball_are_refused():
    with pytest.raises(ValueError, match="no 5 others"):
        neighbours.radii(features(1, 5), 5)
    with pytest.raises(ValueError, match="no 3 nearest"):
        neighbours.nearest(features(1, 5), features(2, 2), 3)
