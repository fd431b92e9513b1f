"""The scatter plot of a comparison: one point a job, a parameter against a result.

The template draws it as SVG in percent of its width and height: no script, no inline style, and its texts keep their
size on a phone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from api.dashboard.compare_columns import Cells, Columns, Value, as_text, is_number
from api.dashboard.formats import duration, figure

# The part of the picture that points are in, in percent of its width and height.
LEFT, RIGHT, TOP, BOTTOM = 13.0, 97.0, 4.0, 84.0
# Free on both sides of the points, as a share of that part.
MARGIN = 0.05
# Values of this ratio and more are shown on a logarithmic axis.
TWO_DECADES = 100
MOST_TICKS = 5
MOST_WORDS = 12
FARTHEST = 1e100
# What a number beside a point takes, in percent of the picture.
NUMBER_WIDTH, NUMBER_HEIGHT = 4.0, 5.0
# Characters of all words below an axis together, and the fewest of each.
LETTERS, FEWEST_LETTERS = 44, 4


@dataclass(frozen=True)
class Tick:
    """A place on an axis: percent of the picture, and its text, cut short where there are many; `whole` is uncut."""

    at: float
    text: str
    whole: str


@dataclass(frozen=True)
class Axis:
    """One axis: the column that it shows, and whether it is logarithmic or has words instead of numbers."""

    column: Cells
    logarithmic: bool
    words: bool
    ticks: Sequence[Tick]


@dataclass(frozen=True)
class Point:
    """A job: its place among all jobs, where its point is in percent, and its two values as text.

    `numbered`: whether there is room for its number beside it.
    """

    n: int
    x: float
    y: float
    said_x: str
    said_y: str
    numbered: bool


@dataclass(frozen=True)
class Scatter:
    """The plot. `missing` are the places of jobs that lack one of the two values. Points are in the order of x."""

    x: Axis
    y: Axis
    points: Sequence[Point]
    missing: Sequence[int]


def scatter(columns: Columns, x: str, y: str) -> Scatter | None:
    """Return the plot of two columns; None where no job has both values."""
    across, up = columns.of(x), columns.of(y)
    both = [
        n for n, value in enumerate(across.values) if _drawn(value) and is_number(up.values[n]) and _drawn(up.values[n])
    ]
    if not both:
        return None
    missing = [n for n in range(len(across.values)) if n not in both]
    ys = {n: float(up.values[n] or 0) for n in both}
    place_y, axis_y = _numbers(up, ys, BOTTOM, TOP)
    if all(is_number(across.values[n]) for n in both):
        place_x, axis_x = _numbers(across, {n: float(across.values[n] or 0) for n in both}, LEFT, RIGHT)
    else:
        place_x, axis_x = _words(across, {n: as_text(across.values[n]) for n in both})
    points: list[Point] = []
    for n in sorted(both, key=lambda n: (place_x[n], ys[n])):
        here = (place_x[n], place_y[n])
        free = not any(
            one.numbered and abs(one.x - here[0]) < NUMBER_WIDTH and abs(one.y - here[1]) < NUMBER_HEIGHT
            for one in points
        )
        points.append(Point(n, *here, said(x, across.values[n]), said(y, up.values[n]), free))
    return Scatter(axis_x, axis_y, points, missing)


def said(column: str, value: Value) -> str:
    """Return a value as the pages write it."""
    if value is None or not is_number(value):
        return figure(None) if value is None else as_text(value)
    number = float(value)
    return duration(number) if column == "duration" else str(round(number)) if column == "seed" else figure(number)


def _drawn(value: Value) -> bool:
    """Return whether a value has a place on an axis: numbers beyond these limits would overflow."""
    return value is not None and (not is_number(value) or abs(float(value)) < FARTHEST)


def _numbers(column: Cells, values: Mapping[int, float], begin: float, end: float) -> tuple[dict[int, float], Axis]:
    """Return where values are between two ends, in percent of the picture, and the axis."""
    low, high = min(values.values()), max(values.values())
    logarithmic = low > 0 and high / low >= TWO_DECADES
    if logarithmic:
        first, last = math.log10(low), math.log10(high)
    else:
        # One value alone is in the middle of something.
        room = 0.0 if high > low else abs(low) / 2 or 1.0
        first, last = low - room, high + room

    def at(value: float) -> float:
        share = ((math.log10(value) if logarithmic else value) - first) / (last - first)
        return round(begin + (end - begin) * (MARGIN + (1 - 2 * MARGIN) * share), 2)

    reached = (last - first) * MARGIN / (1 - 2 * MARGIN)
    marks = _decades(first - reached, last + reached) if logarithmic else _round(first - reached, last + reached)
    ticks = [Tick(at(mark), said(column.name, mark), said(column.name, mark)) for mark in marks]
    return {n: at(value) for n, value in values.items()}, Axis(column, logarithmic, False, ticks)


def _words(column: Cells, values: Mapping[int, str]) -> tuple[dict[int, float], Axis]:
    """Return where words are on the horizontal axis, side by side in the order of the alphabet, and the axis."""
    words = sorted(set(values.values()))
    width = (RIGHT - LEFT) / len(words)
    at = {word: round(LEFT + width * (place + 0.5), 2) for place, word in enumerate(words)}
    shown = words[:: math.ceil(len(words) / MOST_WORDS)]
    letters = max(FEWEST_LETTERS, LETTERS // len(shown))
    ticks = [Tick(at[word], word if len(word) <= letters else f"{word[: letters - 1]}…", word) for word in shown]
    return {n: at[word] for n, word in values.items()}, Axis(column, False, True, ticks)


def _decades(first: float, last: float) -> list[float]:
    """Return powers of ten between two exponents, a few of them where there are many."""
    powers = range(math.ceil(first), math.floor(last) + 1)
    step = math.ceil(len(powers) / MOST_TICKS)
    return [10.0**power for power in powers[::step]]


def _round(first: float, last: float) -> list[float]:
    """Return round numbers between two, evenly spaced."""
    about = (last - first) / MOST_TICKS
    power = 10.0 ** math.floor(math.log10(about))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= about)
    # Digits beyond the step are noise of the arithmetic.
    digits = max(0, 1 - math.floor(math.log10(step)))
    return [round(n * step, digits) for n in range(math.ceil(first / step), math.floor(last / step) + 1)]
