"""The ranges that figures have for new real images."""

from __future__ import annotations

import pytest
import torch

from tests.trainers.judging.pictures import TRAIN, judged, pictures
from trainers.judging.card import Card, judge
from trainers.judging.real_ranges import real_ranges
from trainers.judging.reference import Reference

FIGURES = ["auth_pct", "c_t", "coverage", "density", "duplicates", "fd_ratio", "kid", "kl", "precision", "recall"]


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference(judged(TRAIN), judged(pictures(2, 400)), seed=1)


def outside(card: Card, ranges: dict[str, list[float]]) -> list[str]:
    """Return the figures that are outside their ranges."""
    figures = {**card.fidelity, **card.diversity, **card.copying}
    return [name for name, (low, high) in ranges.items() if not low <= figures[name] <= high]


def test_new_real_images_are_inside_and_planted_faults_outside(reference: Reference):
    ranges = real_ranges(reference, 400)
    assert sorted(ranges) == FIGURES
    assert all(low <= high for low, high in ranges.values()), ranges
    assert len(outside(judge(judged(pictures(3, 400)), reference), ranges)) <= 1
    assert {"fd_ratio", "coverage", "recall", "kl"} <= set(
        outside(judge(judged(pictures(3, 400, (0, 1))), reference), ranges)
    )
    assert {"auth_pct", "c_t", "duplicates"} <= set(outside(judge(judged(TRAIN[:400]), reference), ranges))


def test_more_images_have_narrower_ranges(reference: Reference):
    few, many = real_ranges(reference, 60), real_ranges(reference, 400)
    for name in ("precision", "density", "kl"):
        assert many[name][1] - many[name][0] < few[name][1] - few[name][0], name


def test_ranges_are_the_same_for_one_seed_and_leave_out_what_has_no_classes(reference: Reference):
    assert real_ranges(reference, 200) == real_ranges(reference, 200)
    bare = Reference(
        judged(TRAIN, classes=False)._replace(pixels=TRAIN), judged(pictures(2, 400), classes=False), seed=1
    )
    assert sorted(real_ranges(bare, 200)) == [name for name in FIGURES if name != "kl"]
    assert torch.equal(bare.looks.rows, reference.looks.rows)
