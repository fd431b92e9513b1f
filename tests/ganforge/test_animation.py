"""Which pictures of a training its animation shows."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image

from ganforge.animation import LAST_MS, MOST_FRAMES, animate, chosen


@pytest.mark.parametrize("count", [1, MOST_FRAMES, MOST_FRAMES + 1, 50, 100, 2000])
def test_some_of_many_pictures_are_shown_in_order_with_the_first_and_the_last(count):
    shown = chosen(count)
    assert len(shown) == min(count, MOST_FRAMES)
    assert (shown[0], shown[-1]) == (0, count - 1)
    assert all(before < after for before, after in pairwise(shown))


def test_more_of_the_start_is_shown_than_of_the_end():
    shown = chosen(2000)
    assert sum(number < 1000 for number in shown) > 0.6 * len(shown)


def test_an_animation_ends_with_the_last_picture_and_shows_it_longest(tmp_path: Path):
    frames = [tmp_path / f"{number}.png" for number in range(MOST_FRAMES + 20)]
    for number, frame in enumerate(frames):
        Image.new("L", (8, 8), 4 * number).save(frame)
    with Image.open(animate(frames, tmp_path / "training.gif")) as animation:
        assert animation.n_frames == MOST_FRAMES
        animation.seek(MOST_FRAMES - 1)
        assert animation.convert("L").getpixel((0, 0)) == 4 * (len(frames) - 1)
        assert animation.info["duration"] == LAST_MS
