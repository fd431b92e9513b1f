"""Fewer points of a curve: minima and maxima stay."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence

Points = tuple[list[int], list[float | None]]


def thin(steps: list[int], values: list[float | None], max_points: int) -> Points:
    """Keep at most `max_points` points: the first, the last, and of each bucket between them its minimum and maximum.

    A gap (null) survives as the lowest point of its bucket, so that a run that met NaN shows it.
    """
    if len(steps) <= max_points:
        return steps, values
    if max_points < 4:
        kept = [0, len(steps) - 1][: max(1, max_points)]
    else:
        kept = [0, *_inner_extremes(values, (max_points - 2) // 2), len(steps) - 1]
    return [steps[n] for n in kept], [values[n] for n in kept]


def coarsen(steps: Sequence[int], values: Sequence[float | None], bucket: int) -> Points:
    """Keep the first and the last point, and of each bucket of so many steps its minimum and maximum."""
    numbers = _without_gaps(values)
    kept = {0, len(steps) - 1} if steps else set()
    begin = 0
    while begin < len(steps):
        # Steps rise, except where a run went back within a chunk. The loop has to end there too.
        end = max(begin + 1, bisect_left(steps, (steps[begin] // bucket + 1) * bucket, begin))
        kept.update(_extremes(numbers, begin, end))
        begin = end
    ordered = sorted(kept)
    return [steps[n] for n in ordered], [values[n] for n in ordered]


def _inner_extremes(values: Sequence[float | None], buckets: int) -> Iterator[int]:
    """Yield the indexes of each bucket's extremes, in order, without the first and the last point."""
    inner = len(values) - 2
    numbers = _without_gaps(values)
    for bucket in range(buckets):
        begin, end = 1 + bucket * inner // buckets, 1 + (bucket + 1) * inner // buckets
        if begin < end:
            yield from sorted(_extremes(numbers, begin, end))


def _extremes(numbers: Sequence[float], begin: int, end: int) -> set[int]:
    part = numbers[begin:end]
    return {begin + part.index(min(part)), begin + part.index(max(part))}


def _without_gaps(values: Sequence[float | None]) -> Sequence[float]:
    # Most curves have no gap, and checking for gaps is far cheaper than copying.
    if None not in values:
        return values  # type: ignore[return-value]
    return [-math.inf if value is None else value for value in values]
