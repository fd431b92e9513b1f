"""How pages write numbers, sizes and times."""

from __future__ import annotations

from datetime import datetime

from flask import Flask
from markupsafe import Markup

NONE = "\N{EN DASH}"


def size(count: float | None) -> str:
    """Return bytes in the unit that people would use."""
    if count is None:
        return NONE
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < 999.5:  # what rounds to a thousand goes on to the next unit
            return f"{count:.3g} {unit}" if unit != "B" else f"{count:.0f} B"
        count /= 1000
    return f"{count:.3g} TB"


def duration(seconds: float | None) -> str:
    """Return a stretch of time: 45 s, 3 min 5 s, 2 h 10 min, 3 d 4 h."""
    if seconds is None:
        return NONE
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    steps = ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"))
    large, name, small, rest = next(step for step in steps if whole >= step[0])
    more = whole % large // small
    return f"{whole // large} {name}" + (f" {more} {rest}" if more else "")


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
        return f"{round(value):,}".replace(",", "\u202f")
    return f"{value:.3g}"


def short(job_id: str) -> str:
    """Return what tells one id from others: its random end."""
    return f"…{job_id[-6:]}"


def install(app: Flask) -> None:
    """Give these to templates."""
    app.jinja_env.filters.update(size=size, duration=duration, moment=moment, number=number, short=short)
