"""Line charts: round numbers at the axes, a gap where there is no number, and any number is drawn."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from PIL import Image

from trainers.outputs.line_chart import ABOVE, BELOW, COLOURS, LEFT, PANEL, RIGHT, WIDTH, Panel, line_chart, ticks


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 1.0, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (-3.0, 12.0, [-2, 0, 2, 4, 6, 8, 10, 12]),
        (0.4999, 0.5001, [0.4999, 0.49995, 0.5, 0.50005, 0.5001]),
        (128.0, 180_000.0, [50_000, 100_000, 150_000]),
    ],
)
def test_the_numbers_of_an_axis_are_round_and_few(low, high, expected):
    assert ticks(low, high) == pytest.approx(expected)


def drawn(x, *panels):
    with Image.open(io.BytesIO(line_chart(x, [Panel("loss", lines) for lines in panels], "images"))) as image:
        return image.convert("RGB")


def places(image, colour, top=ABOVE, bottom=PANEL - BELOW):
    """Return where pixels inside the first panel have nearly this colour, as sets of columns and rows."""
    box = image.crop((LEFT, top, WIDTH - RIGHT, bottom))
    away = np.abs(np.asarray(box, dtype=int) - np.array(colour)).sum(-1)
    found = list(zip(*np.nonzero(away.T < 60), strict=True))
    return {column for column, _ in found}, {row for _, row in found}


def test_a_line_runs_from_its_first_number_to_its_last_within_the_frame():
    image = drawn([0, 100], {"up": [0, 1]}, {"flat": [3, 3]})
    assert image.size == (WIDTH, 2 * PANEL)
    columns, rows = places(image, COLOURS[0])
    inside, height = WIDTH - LEFT - RIGHT, PANEL - ABOVE - BELOW
    # A twenty-seventh of the frame stays free on each side.
    assert (min(columns), max(columns)) == pytest.approx((inside / 27, inside * 26 / 27), abs=3)
    assert (min(rows), max(rows)) == pytest.approx((height / 27, height * 26 / 27), abs=3)
    columns, rows = places(image, COLOURS[0], PANEL + ABOVE, 2 * PANEL - BELOW)
    assert max(rows) - min(rows) <= 2


def test_a_value_that_is_no_number_leaves_a_gap():
    whole, _ = places(drawn(range(9), {"a": [1.0] * 9}), COLOURS[0])
    for odd in (math.nan, math.inf, -math.inf):
        columns, _ = places(drawn(range(9), {"a": [*[1.0] * 4, odd, *[1.0] * 4]}), COLOURS[0])
        assert min(columns) == min(whole)
        assert max(columns) == max(whole)
        assert 0.7 < len(columns) / len(whole) < 0.8


@pytest.mark.parametrize("value", [0.0, 1e-30, -1e30, 1e300, math.nan])
def test_any_number_can_be_drawn_and_one_alone_is_a_dot(value):
    columns, _ = places(drawn([5.0], {"a": [value], "b": [1.0]}), COLOURS[1])
    assert 1 <= len(columns) <= 6


def test_more_lines_than_colours_are_drawn_all_the_same():
    drawn([0, 1], {f"line {n}": [n, n] for n in range(20)})
