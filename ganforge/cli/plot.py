"""Curves in a terminal, of Braille characters: each cell has 2 x 4 dots."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # importing pydantic would make every command start later
    from models.views import Curve

# The bit of each dot in a Braille character, by its column and row from the top.
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_BLANK = 0x2800
HEIGHT = 5
# What is drawn of a job, of what it has: recipes with two directions, and classifiers, have other losses.
NAMES = ("d_loss", "g_loss", "d_loss_a", "g_loss_a", "d_loss_b", "g_loss_b", "loss", "accuracy")
# So many charts leave room for the rest on a terminal of 24 lines.
MOST = 2
Point = tuple[float, float]


def charts(curves: Mapping[str, Curve], labels: Mapping[str, str], width: int) -> list[str]:
    """Return the lines of the charts of a job's losses, each at most `width` cells wide; none without values."""
    drawn = []
    for name in NAMES:
        points = _points(curves[name]) if name in curves else []
        if points:
            drawn.append(chart(labels.get(name, name), points, width))
    return [line for lines in drawn[:MOST] for line in lines]


def _points(curve: Curve) -> list[Point]:
    pairs = zip(curve["steps"], curve["values"], strict=True)
    return [(float(step), value) for step, value in pairs if value is not None and math.isfinite(value)]


def chart(title: str, points: Sequence[Point], width: int) -> list[str]:
    """Return a chart: its title with the last value, rows of dots between the highest and lowest value, the steps."""
    low, high = min(value for _, value in points), max(value for _, value in points)
    first, last = points[0][0], points[-1][0]
    marks = [f"{high:.3g}", *[""] * (HEIGHT - 2), f"{low:.3g}"]
    margin = max(map(len, marks))
    cells = max(4, width - margin - 2)
    rows = _rows(points, cells)
    lines = [f"{title} {points[-1][1]:.3f}"]
    lines += [f"{mark:>{margin}} {'┤' if mark else '│'}{row}" for mark, row in zip(marks, rows, strict=True)]
    begin, end = f"{first:,.0f}", f"step {last:,.0f}"
    return [*lines, f"{'':{margin}}  {begin}{end:>{max(1, cells - len(begin))}}"[:width]]


def _rows(points: Sequence[Point], cells: int) -> list[str]:
    low, high = min(value for _, value in points), max(value for _, value in points)
    first, last = points[0][0], points[-1][0]
    across, down = 2 * cells - 1, 4 * HEIGHT - 1

    def dot(point: Point) -> tuple[int, int]:
        x = (point[0] - first) / (last - first) if last > first else 0.0
        y = (high - point[1]) / (high - low) if high > low else 0.5
        return round(x * across), round(y * down)

    grid = [[_BLANK] * cells for _ in range(HEIGHT)]
    dots = [dot(point) for point in points]
    for column, row in dots[:1] + [one for pair in pairwise(dots) for one in _line(*pair)]:
        grid[row // 4][column // 2] |= _DOTS[column % 2][row % 4]
    return ["".join(map(chr, row)).rstrip(chr(_BLANK)) for row in grid]


def _line(begin: tuple[int, int], end: tuple[int, int]) -> Iterator[tuple[int, int]]:
    steps = max(abs(end[0] - begin[0]), abs(end[1] - begin[1]), 1)
    for number in range(1, steps + 1):
        share = number / steps
        yield round(begin[0] + share * (end[0] - begin[0])), round(begin[1] + share * (end[1] - begin[1]))
