"""How pages write numbers, sizes and times. static/figures.js writes them alike; a test holds the two together."""

from __future__ import annotations

import math
from datetime import datetime

from flask import Flask
from markupsafe import Markup

from api.dashboard.language import gettext

NONE = "\N{EN DASH}"


def size(count: float | None) -> str:
    """Return bytes in the unit that people would use."""
    if count is None:
        return NONE
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < 999.5:  # what rounds to a thousand goes on to the next unit
            return f"{number(count if unit != 'B' else round(count))} {unit}"
        count /= 1000
    return f"{number(count)} TB"


def duration(seconds: float | None) -> str:
    """Return a stretch of time: 45 s, 3 min 5 s, 2 h 10 min, 3 d 4 h."""
    if seconds is None:
        return NONE
    units = {86400: gettext("{n} d"), 3600: gettext("{n} h"), 60: gettext("{n} min"), 1: gettext("{n} s")}
    whole = max(0, round(seconds))
    large = next((size for size in units if whole >= size), 1)
    small = next((size for size in units if size < large), 1)
    more = whole % large // small
    written = units[large].format(n=whole // large)
    return f"{written} {units[small].format(n=more)}" if more else written


def moment(written: str | None) -> Markup | str:
    """Return a time as an element that a script turns into the reader's own zone."""
    if not written:
        return NONE
    plain = datetime.fromisoformat(written).strftime("%Y-%m-%d %H:%M:%S UTC")
    return Markup('<time datetime="{}">{}</time>').format(written, plain)


def number(value: float | None) -> str:
    """Return a number as people read it: thousands apart, three digits of a fraction."""
    if value is None:
        return NONE
    if isinstance(value, int) or float(value).is_integer() or abs(value) >= 999.5:
        return f"{round(value):,}"  # as all languages here have it
    return _short(value, 3)


def figure(value: float | None) -> str:
    """Return what was measured: four digits, whole numbers with thousands apart, 1.2e-6 where that is shorter."""
    if value is None:
        return NONE
    if value and not 1e-3 <= abs(value) < 1e7:
        digits, _, power = f"{value:.2e}".partition("e")
        return f"{digits.rstrip('0').rstrip('.')}e{int(power)}"
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 999.95 else _short(value, 4)


def _short(value: float, digits: int) -> str:
    """Return a number with so many digits that count, without zeros at the end and never as a power of ten."""
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    written = f"{value:.{places}f}"
    return written.rstrip("0").rstrip(".") if places else written


def short(job_id: str) -> str:
    """Return what tells one id from others: its random end."""
    return f"…{job_id[-6:]}"


def install(app: Flask) -> None:
    """Give these to templates."""
    app.jinja_env.filters.update(size=size, duration=duration, moment=moment, number=number, figure=figure, short=short)
