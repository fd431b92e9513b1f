"""Sizes and durations as text."""

from __future__ import annotations

import pytest

from models.formats import duration, gigabytes, size


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (-3, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (72, "1 min 12 s"),
        (7260, "2 h 1 min"),
        (90000, "1 d 1 h"),
    ],
)
def test_a_duration_has_at_most_two_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("count", "text"), [(999, "999 B"), (1000, "1 kB"), (24_500_000, "24.5 MB")])
def test_a_size_takes_the_largest_unit_that_fits(count: int, text: str) -> None:
    assert size(count) == text


def test_gigabytes_have_one_decimal_and_no_unit() -> None:
    assert [gigabytes(count) for count in (0, 49_999_999, 50_000_001, 1_960_000_000)] == ["0.0", "0.0", "0.1", "2.0"]
