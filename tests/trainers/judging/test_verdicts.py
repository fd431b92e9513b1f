"""Verdicts on made-up images of four kinds, and what chance makes of shares."""

from __future__ import annotations

import pytest
import torch

from models.messages import CardFaults, Message, Summaries
from tests.trainers.judging.pictures import TRAIN, judged, pictures, sorted_by_kind
from trainers.judging import fidelity, verdicts
from trainers.judging.card import Card, judge
from trainers.judging.distance import Distance
from trainers.judging.observed import Reason
from trainers.judging.reference import Reference


@pytest.fixture(scope="module")
def with_classes() -> Reference:
    return Reference(judged(TRAIN), judged(pictures(2, 400)), seed=1)


@pytest.fixture(scope="module")
def without_classes() -> Reference:
    return Reference(judged(TRAIN, classes=False), judged(pictures(2, 400), classes=False), seed=1)


def planted() -> dict[str, tuple[torch.Tensor, list[str]]]:
    new = pictures(3, 400)
    draws = torch.Generator().manual_seed(5)
    noise = torch.randint(0, 256, (400, 3, 20, 20), generator=draws, dtype=torch.uint8)
    return {
        "new images": (new, []),
        "the held-out images": (pictures(2, 400), []),
        "copies": (TRAIN[:400], ["copying"]),
        "shifted copies": (TRAIN[:400].roll(1, 3), ["copying"]),
        "half copies": (torch.cat([TRAIN[:200], new[:200]]), ["copying"]),
        "two kinds": (pictures(3, 400, (0, 2)), ["modes_lost"]),
        "ten images repeated": (new[:10].repeat(40, 1, 1, 1), ["modes_lost"]),
        "noise": (noise, ["low_fidelity"]),
        "a tenth noise": (torch.cat([new[:360], noise[:40]]), ["low_fidelity"]),
        "ten training images repeated": (TRAIN[:10].repeat(40, 1, 1, 1), ["modes_lost", "copying"]),
    }


@pytest.mark.parametrize("name", list(planted()))
@pytest.mark.parametrize("reference", ["with_classes", "without_classes"])
def test_a_planted_fault_is_named_and_nothing_else(name: str, reference: str, request: pytest.FixtureRequest):
    pixels, expected = planted()[name]
    card = judge(judged(pixels, classes=reference == "with_classes"), request.getfixturevalue(reference))
    assert card.verdicts == expected, [reason.as_json() for reason in card.reasons]
    for reason in card.reasons:
        assert Message.of(reason.as_json()) == reason.message


def test_a_result_has_each_figure_of_the_report_card(with_classes: Reference, without_classes: Reference):
    extractor = {"name": "darknet", "sha256": "0" * 64, "accuracy": 0.99}
    full = judge(judged(pictures(3, 400)), with_classes).result(extractor)
    assert list(full) == [
        *("verdicts", "summary", "count", "extractor", "fidelity", "diversity", "copying"),
    ]
    assert list(full["fidelity"]) == ["fd", "fd_reference", "fd_ratio", "kid", "kid_std", "precision", "density"]
    assert sorted(full["diversity"]) == [
        *("class_histogram", "classes_missing", "coverage", "coverage_reference", "kl", "recall"),
    ]
    assert list(full["copying"]) == ["auth_pct", "c_t", "duplicates", "duplicates_reference"]
    assert 0.5 < full["fidelity"]["fd_ratio"] < 2
    assert 30 < full["copying"]["auth_pct"] < 80
    assert abs(full["copying"]["c_t"]) < 2
    assert full["diversity"]["class_histogram"] == pytest.approx([0.25] * 4, abs=0.05)
    ratio = verdicts.summary([], 4, Distance(full["fidelity"]["fd_ratio"], 1, 2)).params["ratio"]
    assert full["summary"] == f"Healthy: the images look real (fd_ratio {ratio}), are new, and show all 4 classes."
    bare = judge(judged(pictures(3, 400), classes=False), without_classes).result(extractor)
    assert [bare["diversity"][name] for name in ("class_histogram", "kl", "classes_missing")] == [None] * 3


def test_of_many_images_some_are_drawn_for_figures_of_pairs_and_all_count_for_distances(
    with_classes: Reference, monkeypatch: pytest.MonkeyPatch
):
    every = judged(sorted_by_kind(600))
    whole = judge(every, with_classes)
    monkeypatch.setattr("trainers.judging.card.MOST", 200)
    some = judge(every, with_classes)
    # The fewer there are, the fewer real images they cover: 200 of two kinds would cover half as many as 200 of four.
    expected = some.diversity["coverage_reference"]
    assert whole.diversity["coverage_reference"] > expected
    assert some.diversity["coverage"] == pytest.approx(expected, abs=0.1)
    # As many training images as are judged stand for real ones.
    assert some.fidelity == whole.fidelity


def test_figures_are_the_same_for_the_same_seed(with_classes: Reference):
    again = Reference(judged(TRAIN), judged(pictures(2, 400)), seed=1)

    def told(card: Card) -> object:
        return card.result({}), card.details(), card.closest

    first = judge(judged(pictures(3, 300)), Reference(judged(TRAIN), judged(pictures(2, 400)), seed=1))
    assert told(judge(judged(pictures(3, 300)), again)) == told(first)


def test_without_held_out_images_training_images_that_are_set_apart_are_no_copies_of_themselves():
    reference = Reference(judged(TRAIN[400:]), judged(TRAIN[:400]), seed=1, held_out=False)
    assert reference.looks.distances.min() > 0
    copies = judge(judged(TRAIN[:300]), reference)
    assert copies.verdicts == ["copying"], "what is set apart was learned from, too"
    assert copies.details()["held_out"] is False
    assert judge(judged(pictures(3, 400)), reference).verdicts == []


def test_images_have_shifted_that_all_moved_from_those_they_look_like(without_classes: Reference):
    same = judged(TRAIN[:400], classes=False)
    looks = without_classes.looks_of(same.pixels)
    # A copy looks like itself. Real images are one extent from their middle, by the root of their mean square.
    extent = float(
        (without_classes.test.features - without_classes.test.features.mean(0)).square().sum(1).mean().sqrt()
    )
    moved = torch.zeros_like(same.features)
    moved[:, 3] = 0.5 * extent
    apart = torch.cat([moved[:200], -moved[200:]])
    found = [without_classes.realism_of(same.features + by, looks).shift for by in (0 * moved, moved, apart)]
    assert found == pytest.approx([0, 0.5, 0], abs=1e-5)


def test_a_lost_kind_must_be_rarer_than_chance_makes_it():
    real = torch.tensor([0.9, 0.1], dtype=torch.float64)
    gone = torch.tensor([1.0, 0.0], dtype=torch.float64)
    assert verdicts.lost(gone, real, different=1000) == [1]
    assert verdicts.lost(gone, real, different=20) == []
    # exp(-2) (1 + 2 + 2) for at most two where two are expected
    assert verdicts.poisson(2, 2.0) == pytest.approx(5 * 2.718281828**-2, rel=1e-5)


def test_the_summary_is_one_sentence():
    lost = Reason("modes_lost", CardFaults.classes_lost(present=5, classes=10), 5, 10, 10)
    unreal = Reason("low_fidelity", CardFaults.off_real(), 0.5, 0.1, 0.2)
    copied = Reason("copying", CardFaults.copies_training(share=50), 0.5, 0.01, 0.02)
    near = Distance(8.94, 12.0, 60.0)
    faults = "all images differ from real ones in the same way, as blurred or pale images do"
    assert str(verdicts.summary([lost], 10, near)) == ("The images look real, but only 5 of 10 classes appear.")
    assert str(verdicts.summary([unreal, copied], None, near)) == (
        f"Weak, but close to real images (fd_ratio 8.9): {faults}, 50 % of the images are copies of training images."
    )
    assert str(verdicts.summary([unreal], None, Distance(23.38, 12.0, 60.0))) == f"Weak (fd_ratio 23): {faults}."
    assert str(verdicts.summary([unreal], None, Distance(1195.0, 12.0, 60.0))) == (
        f"Far from real images (fd_ratio 1200): {faults}."
    )
    assert verdicts.summary([], None, near) == Summaries.healthy_images(ratio=8.9)
    assert verdicts.verdicts([unreal, copied, copied]) == ["low_fidelity", "copying"]


def test_no_sentence_says_only_nought_percent(with_classes: Reference):
    noise = torch.randint(0, 256, (400, 3, 20, 20), generator=torch.Generator().manual_seed(5), dtype=torch.uint8)
    assert judge(judged(noise), with_classes).reasons[0].message.code == "none_like_real"


def test_marks_of_distance_are_those_of_real_images_of_some_kinds(with_classes: Reference):
    noise = torch.randint(0, 256, (400, 3, 20, 20), generator=torch.Generator().manual_seed(5), dtype=torch.uint8)
    new, three, one, far = (
        judge(judged(images), with_classes).distance
        for images in (pictures(3, 400), pictures(3, 400, (0, 1, 2)), pictures(3, 400, (0,)), noise)
    )
    assert new.close == far.close
    assert new.ratio < three.ratio < new.close < one.ratio, "three directions of four are more than half of them"
    assert new.close < new.far < far.ratio


def test_the_farthest_images_are_new_by_chance_as_often_as_their_orders_say():
    # 13 new ones lead 1,000 held-out ones less often than twice in 10,000 times, 14 less often than once.
    assert fidelity.farthest(1000, 1000) == 14 / 1000
    # With three held-out images and two new ones, both new ones lead in one of ten orders: no share is too much.
    assert fidelity.farthest(3, 2) == 1
    # Drawn 20,000 times: that share comes up less than twice, and two images fewer come up more often.
    leading = torch.rand(20_000, 60, generator=torch.Generator().manual_seed(1))
    new = (leading[:, :20] > leading[:, 20:].max(1, keepdim=True).values).sum(1)
    most = round(20 * fidelity.farthest(40, 20))
    assert int((new >= most).sum()) <= 2 < int((new >= most - 2).sum())
