"""Copies among generated images, against restatements in numpy and planted copies."""

import numpy as np
import pytest
import torch

from trainers.judging import copying


def pictures(seed: int, count: int, channels: int = 1, size: int = 28) -> torch.Tensor:
    """Smooth blobs, uint8 (count, channels, size, size)."""
    draws = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, channels, 6, 6, generator=draws)
    smooth = torch.nn.functional.interpolate(coarse, (size, size), mode="bicubic", align_corners=False)
    return (smooth * 200 + 20).clamp(0, 255).to(torch.uint8)


def test_closest_equals_a_restatement_over_all_views(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(copying, "_BLOCK", 100)  # blocks of two images
    images, train = pictures(1, 5), pictures(2, 40)
    pool = copying.appearance(train)
    padded = np.pad(images.numpy(), ((0, 0), (0, 0), (2, 2), (2, 2)), mode="edge").astype(float)
    best = np.full((5, 40), np.inf)
    for mirrored in (False, True):
        # By two pixels each way, and by one if mirrored.
        reach = range(1, 4) if mirrored else range(5)
        for y in reach:
            for x in reach:
                # Mirrored first and then shifted, or the other way round: all directions are tried.
                view = padded[:, 0, y : y + 28, x : x + 28]
                view = view[..., ::-1] if mirrored else view
                small = view.reshape(5, 14, 2, 14, 2).mean((2, 4)).reshape(5, -1)
                small = small - small.mean(1, keepdims=True)
                small = small / np.linalg.norm(small, axis=1, keepdims=True)
                best = np.minimum(best, np.linalg.norm(small[:, None] - pool.numpy()[None], axis=2))
    found = copying.closest(images, pool)
    assert np.allclose(found.distances.numpy(), np.sort(best, 1)[:, :10], atol=1e-3)
    assert np.array_equal(found.indices[:, 0].numpy(), best.argmin(1))


@pytest.mark.parametrize(("channels", "size"), [(1, 28), (3, 33), (3, 64)])
def test_changed_copies_are_relatively_near_and_new_images_are_not(channels: int, size: int):
    train, new = pictures(3, 200, channels, size), pictures(4, 40, channels, size)
    pool = copying.appearance(train)
    copies = train[:40].float()
    noise = 10 * torch.randn(copies.shape, generator=torch.Generator().manual_seed(5))
    changed = {
        "exact": copies,
        "noisy": (copies + noise).clamp(0, 255),
        "shifted": copies.roll((1, -1), (2, 3)),
        "shifted by two": copies.roll((2, 1), (2, 3)),
        "mirrored": copies.flip(3),
        "pale": 40 + copies * 0.7,
    }
    fresh = copying.relative(copying.closest(new, pool).distances)
    assert 0.7 < fresh.median() < 1
    for name, images in changed.items():
        found = copying.closest(images.to(torch.uint8), pool)
        assert found.indices[:, 0].tolist() == list(range(40)), name
        assert copying.relative(found.distances).max() < fresh.min(), name
        assert copying.duplicates(copying.relative(found.distances), fresh) == 1.0, name
    own = copying.closest(train[:40], pool, torch.arange(40))
    assert (own.indices[:, 0] != torch.arange(40)).all(), "an image is not its own copy"


def test_auth_pct_is_the_percentage_farther_than_the_training_images_own_neighbour():
    assert copying.auth_pct(torch.tensor([1.0, 2.0, 3.0, 0.0]), torch.tensor([2.0, 1.0, 2.0, 1.0])) == 50


def test_c_t_is_a_mean_of_rank_sums_over_cells():
    draws = np.random.default_rng(1)
    a, b = draws.integers(0, 9, 30).astype(np.float32), draws.integers(2, 9, 50).astype(np.float32)
    wins = sum((x > y) + 0.5 * (x == y) for x in a for y in b)
    z = (wins - 750) / np.sqrt(30 * 50 * 81 / 12)
    left, right = torch.from_numpy(a), torch.from_numpy(b)
    assert copying.mann_whitney_z(left, right) == pytest.approx(z, rel=1e-6)
    assert copying.mann_whitney_z(right, right) == pytest.approx(0, abs=1e-9)
    # Two cells with 40 and 10 held-out images; a third one holds none.
    cells, held = torch.tensor([0] * 20 + [1] * 8 + [2] * 2), torch.tensor([0] * 40 + [1] * 10)
    first, second = copying.mann_whitney_z(left[:20], right[:40]), copying.mann_whitney_z(left[20:28], right[40:])
    assert copying.c_t(left, right, cells, held) == pytest.approx((40 * first + 10 * second) / 50, rel=1e-6)
    assert copying.c_t(left, right, torch.full((30,), 7), held) is None


def test_duplicates_of_held_out_images_are_one_in_a_hundred():
    held = torch.rand(1000, generator=torch.Generator().manual_seed(1)) + 1
    fresh = torch.rand(4000, generator=torch.Generator().manual_seed(2)) + 1
    assert copying.duplicates(held, held) == pytest.approx(0.01, abs=1e-9)
    assert 0.004 < copying.duplicates(fresh, held) < 0.02
    assert copying.duplicates(torch.zeros(10), held) == 1
