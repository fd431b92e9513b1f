"""Kinds of real images that a set lacks, where no classes are known."""

from __future__ import annotations

import pytest
import torch

from tests.trainers.judging.pictures import KINDS, TRAIN, pictures, sorted_by_kind
from trainers.judging import copying
from trainers.judging.neighbourhoods import Neighbourhoods

HELD_OUT = pictures(2, 400)
COUNT = 300


@pytest.fixture(scope="module")
def neighbourhoods() -> Neighbourhoods:
    return Neighbourhoods(HELD_OUT, copying.appearance(TRAIN), None, COUNT, seed=1)


def test_new_real_images_leave_no_neighbourhood_empty(neighbourhoods: Neighbourhoods):
    found = neighbourhoods.missing(pictures(3, COUNT))
    assert found.real <= 0.005
    assert 0.01 <= found.limit < 0.03
    assert found.share < 0.01


@pytest.mark.parametrize(("kinds", "share"), [((1, 2, 3), 0.25), ((0, 2), 0.5), ((1, 2), 0.25), ((0,), 0.75)])
def test_the_share_of_real_images_whose_kind_is_missing_is_told(
    neighbourhoods: Neighbourhoods, kinds: tuple[int, ...], share: float
):
    # Bars that lie between two directions have neighbours of both. Mirrored, those of kind 1 are those of kind 3.
    assert 0.6 * share < neighbourhoods.missing(pictures(3, COUNT, kinds)).share <= 1.1 * share


def test_a_kind_at_half_its_share_is_not_missing_and_at_a_twentieth_is(neighbourhoods: Neighbourhoods):
    def with_part(part: float) -> torch.Tensor:
        others, own = pictures(3, COUNT, (1, 2, 3)), pictures(4, COUNT, (0,))
        few = round(part * COUNT / KINDS)
        return torch.cat([others[few:], own[:few]])

    half, few = neighbourhoods.missing(with_part(0.5)), neighbourhoods.missing(with_part(0.05))
    assert half.share <= half.limit
    assert few.share > few.limit


def test_of_more_images_than_half_of_the_training_set_so_many_are_taken():
    some = Neighbourhoods(HELD_OUT, copying.appearance(TRAIN[:200]), None, 5000, seed=1)
    assert some.count == 100
    assert some.missing(pictures(3, 400)).share <= some.limit
    # Those are drawn: the images of a data set may be sorted by their class.
    assert some.missing(sorted_by_kind(400)).share <= some.limit


def test_held_out_images_that_are_in_the_pool_are_not_their_own_neighbours():
    both = copying.appearance(torch.cat([TRAIN[:600], HELD_OUT]))
    own = torch.arange(600, 1000)
    apart = Neighbourhoods(HELD_OUT, both, own, COUNT, seed=1)
    assert apart.missing(pictures(3, COUNT)).share <= apart.limit
    assert apart.missing(pictures(3, COUNT, (0, 1))).share > apart.limit


def test_images_that_are_shown_several_times_surround_real_ones_as_once():
    few = pictures(3, COUNT)
    looks = copying.closest(few.repeat(5, 1, 1, 1), copying.appearance(TRAIN))
    found = copying.repeats(few.repeat(5, 1, 1, 1), 0.05 * looks.distances[:, 1:].mean(1))
    assert found.others.tolist() == [4] * 5 * COUNT
    assert found.first.tolist() == [True] * COUNT + [False] * 4 * COUNT
