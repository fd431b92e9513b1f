"""Shapes and fine detail of images beside those of the training images that they look like."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from models.messages import CardFaults
from tests.trainers.judging.pictures import KINDS, TRAIN, pictures
from trainers.judging.card import Card, judge
from trainers.judging.likeness import details, likeness
from trainers.judging.reference import Judged, Reference


def blind(pixels: torch.Tensor, *, classes: bool = True) -> Judged:
    """Return images with features that see next to nothing: the mean brightness, and some noise; kinds are classes."""
    draws = torch.Generator().manual_seed(len(pixels))
    level = pixels.float().mean((1, 2, 3))[:, None] / 255
    features = torch.cat([level, torch.randn(len(pixels), 4, generator=draws)], dim=1)
    return Judged(pixels, features, torch.eye(KINDS)[torch.arange(len(pixels)) % KINDS] if classes else None)


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference(blind(TRAIN, classes=False), blind(pictures(2, 400), classes=False), seed=1)


@pytest.fixture(scope="module")
def with_classes() -> Reference:
    return Reference(blind(TRAIN), blind(pictures(2, 400)), seed=1)


def checkered(pixels: torch.Tensor) -> torch.Tensor:
    sign = 1 - 2 * ((torch.arange(20)[:, None] + torch.arange(20)[None]) % 2)
    return (pixels.float() + 20 * sign).clamp(0, 255).to(torch.uint8)


def waved(pixels: torch.Tensor) -> torch.Tensor:
    moved = pixels.clone()
    for row in range(20):
        moved[:, :, row] = pixels[:, :, row].roll(round(1.5 * math.sin(row)), 2)
    return moved


def crossed(pixels: torch.Tensor) -> torch.Tensor:
    """Average pictures of different kinds: four follow each other."""
    return ((pixels.float() + pixels.roll(1, 0).float()) / 2).to(torch.uint8)


def noisy(pixels: torch.Tensor) -> torch.Tensor:
    draws = torch.Generator().manual_seed(7)
    return (pixels.float() + 20 * torch.randn(pixels.shape, generator=draws)).clamp(0, 255).to(torch.uint8)


def codes(card: Card) -> list[str]:
    return [reason.message.code for reason in card.reasons]


@pytest.mark.parametrize(
    ("spoiled", "fault"),
    [(checkered, CardFaults.other_detail()), (waved, CardFaults.other_shapes()), (crossed, CardFaults.other_shapes())],
)
def test_what_features_do_not_see_is_seen_in_the_pixels(spoiled: Callable, fault, reference: Reference):
    card = judge(blind(spoiled(pictures(3, 400)), classes=False), reference)
    assert card.verdicts == ["low_fidelity"], [reason.as_json() for reason in card.reasons]
    assert codes(card) == [fault.code]


@pytest.mark.parametrize("kinds", [(0, 1, 2, 3), (0, 1, 2), (3,)])
def test_real_images_of_some_kinds_and_copies_are_as_like_as_real_ones(kinds: tuple[int, ...], reference: Reference):
    for pixels in (pictures(3, 400, kinds), pictures(3, 20, kinds).repeat(10, 1, 1, 1), TRAIN[:200]):
        card = judge(blind(pixels, classes=False), reference)
        assert "low_fidelity" not in card.verdicts, [reason.as_json() for reason in card.reasons]


def test_copies_do_not_hide_as_many_images_of_other_shapes(reference: Reference):
    half = torch.cat([TRAIN[:200], waved(pictures(3, 200))])
    assert judge(blind(half, classes=False), reference).verdicts == ["low_fidelity", "copying"]


def test_no_class_is_lost_among_images_between_classes(with_classes: Reference):
    # The extractor says of each that it is of class 2.
    crosses = blind(crossed(pictures(3, 400)))._replace(probabilities=torch.eye(KINDS)[torch.full((400,), 2)])
    assert judge(crosses, with_classes).verdicts == ["low_fidelity"]


def test_a_kind_may_be_among_images_that_look_like_nothing(reference: Reference):
    """Strong waves leave upright bars unlike any real one: that is no proof that there were none."""
    pixels = pictures(3, 400)
    for reach in (2, 3):
        spoiled = torch.stack([pixels[:, :, row].roll(round(reach * math.sin(row)), 2) for row in range(20)], dim=2)
        looks = reference.looks_of(spoiled)
        known = looks.only(reference.recognises(looks).nonzero()[:, 0])
        assert reference.missing_likes(known).share > reference.missing_likes(known).limit
        assert judge(blind(spoiled, classes=False), reference).verdicts == ["low_fidelity"]


def test_a_class_that_is_missing_among_noisy_images_is_found(with_classes: Reference, reference: Reference):
    whole, lacking = noisy(pictures(3, 400)), noisy(pictures(3, 400, (1, 2, 3)))
    # The extractor, which noise has confused, sees all classes.
    found = judge(blind(lacking), with_classes)
    assert found.verdicts == ["low_fidelity", "modes_lost"]
    assert codes(found)[1] == CardFaults.classes_lost(present=3, classes=4).code
    assert judge(blind(whole), with_classes).verdicts == ["low_fidelity"]
    # Without classes it is a kind that is missing.
    found = judge(blind(lacking, classes=False), reference)
    assert found.verdicts == ["low_fidelity", "modes_lost"]
    assert codes(found)[1] == CardFaults.kinds_lost(share=0).code
    assert judge(blind(whole, classes=False), reference).verdicts == ["low_fidelity"]


def test_detail_is_counted_in_powers_of_two_by_direction():
    flat = torch.full((1, 1, 8, 8), 100, dtype=torch.uint8)
    columns = flat.clone()
    columns[..., ::2] = 114  # neighbours differ by 14, so each square of four by 28: 14 of both rows together
    rows = columns.transpose(2, 3)
    checks = flat.clone()
    checks[..., ::2, ::2] = checks[..., 1::2, 1::2] = 114
    found = details(torch.cat([flat, columns, rows, checks]))
    by_log = math.log2(15)
    # Halves of the images are flat, so that their bands are empty.
    expected = torch.zeros(4, 6)
    expected[1, 0] = expected[2, 1] = expected[3, 2] = by_log
    torch.testing.assert_close(found, expected)
    wide = columns.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert details(wide)[0, 3].item() == pytest.approx(by_log, abs=1e-5)
    assert details(torch.empty(0, 3, 8, 8, dtype=torch.uint8)).shape == (0, 6)


def test_the_detail_of_many_images_is_that_of_each(monkeypatch: pytest.MonkeyPatch):
    whole = details(TRAIN[:50])
    monkeypatch.setattr("trainers.judging.likeness._BLOCK", 3 * 20 * 20 * 7)
    assert torch.equal(details(TRAIN[:50]), whole)


def test_images_stray_by_the_logarithm_of_how_much_farther_they_are():
    distances, own = torch.tensor([0.2, 0.4, 0.8, 0.0, 9.0]), torch.tensor([0.4, 0.4, 0.4, 0.4, 0.0])
    found = likeness(distances, own, torch.zeros(5, 6), torch.ones(5, 6))
    assert found.farther.tolist() == pytest.approx([0, 0, math.log(2), 0, 3])
    assert found.stray == pytest.approx((math.log(2) + 3) / 5)
    assert found.only(torch.tensor([2])).stray == pytest.approx(math.log(2))
    assert found.moves.eq(-1).all()


def test_images_between_kinds_are_less_decided_than_real_ones_and_noisy_ones_are_not(reference: Reference):
    """Averages are of two kinds each; noise leaves the kind as it was."""
    new = pictures(3, 400)
    found = [reference.undecided(reference.looks_of(images), 400) for images in (new, noisy(new), crossed(new))]
    assert max(found[:2]) < 1.5 < 4 < found[2]
    # Four images say little.
    few = reference.looks_of(crossed(new)[:4])
    assert reference.undecided(few, 4) < found[2]
