"""Curves in a terminal: what is drawn, and how wide it is."""

from __future__ import annotations

import math
from typing import Any, cast

import pytest

from ganforge.cli.plot import HEIGHT, chart, charts


def _drawn(lines: list[str]) -> list[str]:
    """Return the rows of dots."""
    return [line.partition("┤")[2] or line.partition("│")[2] for line in lines[1 : HEIGHT + 1]]


def test_a_rising_line_goes_from_the_lower_left_to_the_upper_right() -> None:
    rows = _drawn(chart("loss", [(step, float(step)) for step in range(100)], 40))
    begins = [len(row) - len(row.lstrip(chr(0x2800))) for row in rows]
    assert begins == sorted(begins, reverse=True)
    assert begins[0] > begins[-1]
    assert len(rows[0]) > len(rows[-1])


def test_the_axes_tell_values_and_steps() -> None:
    lines = chart("D loss", [(10, 1.5), (2000, 0.25)], 60)
    assert lines[0] == "D loss 0.250"
    assert lines[1].startswith(" 1.5 ┤")
    assert lines[HEIGHT].startswith("0.25 ┤")
    assert lines[-1].split() == ["10", "step", "2,000"]


@pytest.mark.parametrize("width", [20, 40, 80, 200])
@pytest.mark.parametrize("points", [[(1, 0.5)], [(1, 0.5), (2, 0.5)], [(n, (-1) ** n * 1e9) for n in range(500)]])
def test_no_line_is_wider_than_the_terminal(points: list[tuple[float, float]], width: int) -> None:
    assert max(map(len, chart("loss", points, width))) <= width


def test_gaps_and_values_that_are_no_numbers_are_passed_over() -> None:
    curves: Any = {
        "d_loss": {"steps": [1, 2, 3, 4], "values": [0.0, None, math.nan, 3.0]},
        "g_loss": {"steps": [], "values": []},
    }
    lines = charts(cast("Any", curves), {"d_loss": "D loss"}, 40)
    assert lines[0] == "D loss 3.000"
    assert (lines[1][:2], lines[HEIGHT][:2]) == ("3 ", "0 ")
    assert len(lines) == HEIGHT + 2
    assert charts({}, {}, 40) == []
