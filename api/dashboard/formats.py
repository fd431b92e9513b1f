"""Template filters for numbers, sizes and times. static/figures.js does the same in scripts; a test compares them."""

from __future__ import annotations

from datetime import datetime

from flask import Flask
from markupsafe import Markup

from api.http.language import gettext
from models import formats

NONE = "\N{EN DASH}"


def size(count: float | None) -> str:
    """Return a number of bytes in a readable unit."""
    return NONE if count is None else formats.size(count)


def duration(seconds: float | None) -> str:
    """Return a duration with its units in the reader's language."""
    if seconds is None:
        return NONE
    units = {86400: gettext("{n} d"), 3600: gettext("{n} h"), 60: gettext("{n} min"), 1: gettext("{n} s")}
    return formats.duration(seconds, units)


def moment(written: str | None, *, attributes: str = "") -> Markup | str:
    """Return a time as an element that a script converts to the reader's time zone; its title has it in UTC."""
    if not written:
        return NONE
    plain = datetime.fromisoformat(written).strftime("%Y-%m-%d %H:%M:%S UTC")
    return Markup('<time datetime="{}" title="{}"{}>{}</time>').format(written, plain, attributes, plain)


def exact(written: str | None) -> Markup | str:
    """Return a time that a script converts to the date and time of the reader's time zone."""
    return moment(written, attributes=" data-exact")


def number(value: float | None) -> str:
    """Return a number with separated thousands and at most three significant digits of a fraction."""
    return NONE if value is None else formats.number(value)


def rounded(estimate: int) -> str:
    """Return an estimated count, rounded to tens."""
    return formats.number(round(estimate, -1))


def figure(value: float | None) -> str:
    """Return a measurement with four digits, integers with thousands separated, 1.2e-6 where that is shorter."""
    if value is None:
        return NONE
    if value and not 1e-3 <= abs(value) < 1e7:
        digits, _, power = f"{value:.2e}".partition("e")
        return f"{digits.rstrip('0').rstrip('.')}e{int(power)}"
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 999.95 else formats.significant(value, 4)


def short(job_id: str) -> str:
    """Return the random end of an id, which tells it from others."""
    return f"…{job_id[-6:]}"


def install(app: Flask) -> None:
    """Register these filters."""
    app.jinja_env.filters.update(
        size=size, duration=duration, moment=moment, exact=exact, number=number, rounded=rounded
    )
    app.jinja_env.filters.update(figure=figure, short=short)
