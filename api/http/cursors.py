"""Cursors of paginated lists: signed, and bound to their filters and their caller.

Nobody but the service can make one, so a cursor never leads to a place that a page did not end at.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from api.http.parsing import strange_text
from api.http.problems import InvalidError, field
from api.http.routes import Call
from api.schemas.queries import PageQuery
from models.messages import RequestFaults
from stores.accounts.keys import Principal
from stores.queries.jobs_in_order import JobPlace

Row = TypeVar("Row", bound=Mapping[str, Any])
Place = TypeVar("Place")
Listed = TypeVar("Listed", bound=PageQuery)

SEAL = 32  # digits of the signature, 128 bits


class Pager:
    """Splits one list into pages. `subject` identifies the list: what it holds, or the job it belongs to."""

    def __init__(self, key: bytes, query: PageQuery, who: Principal, subject: str) -> None:
        self._key = key
        self._query = query
        filters = query.model_dump(mode="json", exclude={"cursor", "limit"})
        self._bound = [type(query).__name__, filters, who.owner, who.role, subject]

    def after(self, read: Callable[[Any], Place]) -> Place | None:
        """Return the position at which the previous page ended; None for the first page.

        `read` converts the JSON value of a cursor to a position, and raises ValueError if it is not one.

        Raises:
            InvalidError: the cursor is damaged, or belongs to other filters or another caller.
        """
        if self._query.cursor is None:
            return None
        try:
            seal, place = json.loads(base64.urlsafe_b64decode(self._query.cursor.encode()))
            if not hmac.compare_digest(seal, self._seal(place)):
                raise ValueError(seal)
            return read(place)
        except (binascii.Error, ValueError, TypeError, OverflowError, RecursionError):
            other = field("/query/cursor", RequestFaults.other_cursor(), parameter="cursor")
            raise InvalidError([other]) from None

    def page(self, rows: Sequence[Row], place: Callable[[Row], Any]) -> dict[str, Any]:
        """Return the page. `rows` has one extra row if there is a next page; `place` returns an entry's position."""
        shown = list(rows[: self._query.limit])
        more = len(rows) > len(shown)
        return {"data": shown, "next_cursor": self.at(place(shown[-1])) if more else None}

    def at(self, place: Any) -> str:
        """Return the cursor of the page after a position."""
        return base64.urlsafe_b64encode(json.dumps([self._seal(place), place]).encode()).decode()

    def _seal(self, place: Any) -> str:
        signed = json.dumps([self._bound, place], sort_keys=True).encode()
        return hmac.new(self._key, signed, hashlib.sha256).hexdigest()[:SEAL]

    @property
    def fetch(self) -> int:
        """The number of rows to read: one more than the page holds, to detect a next page."""
        return self._query.limit + 1


def pager_for(call: Call[Listed, Any], subject: str) -> Pager:
    """Return the pager of the list that a request asks for."""
    return Pager(call.service.stores.accounts.cursor_key, call.query, call.who, subject)


def time_position(place: Any) -> tuple[datetime, str]:
    """Return the stores' form of a position in a list ordered by creation.

    Raises:
        ValueError, TypeError, OverflowError
    """
    created_at, entry = place
    at = datetime.fromisoformat(created_at)
    if at.tzinfo is None:
        raise ValueError(created_at)
    return at.astimezone(UTC), text_position(entry)


def order_position(name: str) -> Callable[[Any], JobPlace]:
    """Return what reads a position in a list of jobs in this order."""
    read = {"priority": _whole, "name": text_position, "finished_at": _moment, "duration": _duration}.get(name, _figure)

    def position(place: Any) -> JobPlace:
        value, *rest = place
        return JobPlace(None if value is None else read(value), *time_position(rest))

    return position


def _figure(value: Any) -> float:
    if type(value) not in {int, float} or not math.isfinite(value):
        raise ValueError(value)
    return float(value)


def _whole(value: Any) -> int:
    if type(value) is not int or not -(2**15) <= value < 2**15:
        raise ValueError(value)
    return value


def _moment(value: Any) -> datetime:
    return time_position([value, ""])[0]


def _duration(value: Any) -> timedelta:
    return timedelta(microseconds=number_position(value))


def number_position(place: Any) -> int:
    """Return a position that is a number of 63 bits.

    Raises:
        ValueError
    """
    if type(place) is not int or not 0 <= place < 2**63:
        raise ValueError(place)
    return place


def text_position(place: Any) -> str:
    """Return a position that is a text.

    Raises:
        ValueError
    """
    if not isinstance(place, str) or strange_text(place):
        raise ValueError(place)
    return place


def created(row: Mapping[str, Any]) -> list[str]:
    """Return an entry's position in a list ordered by creation."""
    return [row["created_at"], row["id"]]


def ordered(name: str, row: Mapping[str, Any]) -> list[Any]:
    """Return a job's position in a list in this order."""
    return [_ran(row) if name == "duration" else row[name], row["created_at"], row["id"]]


def _ran(row: Mapping[str, Any]) -> int | None:
    """Return how long a job ran, in microseconds, as exactly as the database has it."""
    return None if row["ran_s"] is None else round(row["ran_s"] * 1e6)


def short_list(pager: Pager, rows: Sequence[Row], name: str = "name") -> dict[str, Any]:
    """Return a page of a short, complete list; the field `name` is unique in it."""
    place = pager.after(text_position)
    ordered = sorted(rows, key=lambda row: str(row[name]))
    rest = [row for row in ordered if place is None or str(row[name]) > place]
    return pager.page(rest[: pager.fetch], lambda row: str(row[name]))
