"""Histograms, their divergence, and cells of features."""

import math

import pytest
import torch

from trainers.judging import classes


def test_histogram_counts_the_likeliest_class_of_each_image():
    probabilities = torch.tensor([[0.6, 0.4, 0.0], [0.1, 0.2, 0.7], [0.2, 0.1, 0.7], [0.5, 0.3, 0.2]])
    assert classes.histogram(probabilities).tolist() == [0.5, 0.0, 0.5]


def test_divergence_has_its_closed_form():
    real = torch.full((10,), 0.1, dtype=torch.float64)
    half = torch.tensor([0.2] * 5 + [0.0] * 5, dtype=torch.float64)
    assert classes.divergence(half, real) == pytest.approx(math.log(2), abs=1e-12)
    assert classes.divergence(real, real) == pytest.approx(0, abs=1e-12)
    assert classes.divergence(real, half) < math.log(5e4), "a class that no real image has must not be infinite"
    skewed = torch.tensor([0.75, 0.25], dtype=torch.float64)
    even = torch.tensor([0.5, 0.5], dtype=torch.float64)
    assert classes.divergence(skewed, even) == pytest.approx(0.75 * math.log(1.5) + 0.25 * math.log(0.5), abs=1e-12)


def test_a_class_is_missing_under_a_fifth_of_its_real_share():
    real = torch.tensor([0.5, 0.3, 0.2, 0.0], dtype=torch.float64)
    assert classes.missing(torch.tensor([0.6, 0.36, 0.039, 0.0], dtype=torch.float64), real) == [2]
    assert classes.missing(torch.tensor([0.6, 0.36, 0.041, 0.0], dtype=torch.float64), real) == []


def test_cells_find_heaps_that_lie_apart():
    heaps = torch.eye(4) * 10
    at = torch.arange(400) % 4
    features = heaps[at] + torch.randn(400, 4, generator=torch.Generator().manual_seed(1)) * 0.3
    for seed in range(5):
        centres = classes.cells(features, 4, seed)
        own = classes.cell_of(features, centres)
        # Each heap has a cell of its own.
        assert len({(int(a), int(b)) for a, b in zip(at, own, strict=False)}) == 4
        assert torch.cdist(heaps, centres).amin(1).max() < 0.2
    assert torch.equal(classes.cells(features, 7, 3), classes.cells(features, 7, 3))
    assert len(classes.cells(torch.ones(50, 3), 5, 1)) == 1, "equal images have one cell"
