"""Numbers, sizes and durations as text for people: the command line, the pages and messages write them alike."""

from __future__ import annotations

import math
from collections.abc import Mapping

# The units of a duration by their seconds, largest first. Pages pass these texts in the reader's language.
TIME_UNITS = {86400: "{n} d", 3600: "{n} h", 60: "{n} min", 1: "{n} s"}


def number(value: float) -> str:
    """Return a number with separated thousands and at most three significant digits of a fraction."""
    if isinstance(value, int) or float(value).is_integer() or abs(value) >= 999.5:
        return f"{round(value):,}"  # every language here separates thousands with a comma
    return significant(value, 3)


def significant(value: float, digits: int) -> str:
    """Return a number with this many significant digits, without trailing zeros or a power of ten."""
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".") if places else text


def size(count: float) -> str:
    """Return a number of bytes in the largest unit that fits: 999 B, 24.5 MB."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < 999.5:  # what rounds to a thousand takes the next unit
            return f"{number(count if unit != 'B' else round(count))} {unit}"
        count /= 1000
    return f"{number(count)} TB"


def gigabytes(count: float) -> str:
    """Return a number of bytes in GB with one decimal, without the unit: for messages whose text names it."""
    return f"{count / 1e9:.1f}"


def duration(seconds: float, units: Mapping[int, str] = TIME_UNITS) -> str:
    """Return a duration in at most two units: 45 s, 3 min 5 s, 2 h 10 min, 3 d 4 h."""
    whole = max(0, round(seconds))
    large = next((unit for unit in units if whole >= unit), 1)
    small = next((unit for unit in units if unit < large), 1)
    rest = whole % large // small
    text = units[large].format(n=whole // large)
    return f"{text} {units[small].format(n=rest)}" if rest else text
