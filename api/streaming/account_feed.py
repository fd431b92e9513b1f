"""The stream over all jobs that the caller may see. Hints wake it; the events come from the rows, in the order of the
feed (stores/events/events.py)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from queue import Empty

import structlog
from flask import Response
from sqlalchemy.exc import SQLAlchemyError

from api.http.access import Access
from api.http.routes import Call, Header, Routes
from api.schemas.queries import Query
from api.streaming.hub import Hub, Inbox, frame
from api.streaming.job_stream import COMMENT, COMMENT_S, RETRY
from stores.accounts.keys import Principal
from stores.events.events import Events, Position

log = structlog.get_logger(__name__)
routes = Routes("events")

PAGE = 500
# Hints come in bursts; reading the rows for each hint would be wasted work.
BREATH_S = 0.05
QUIET_S = 3.0

LAST_EVENT_ID = Header("Last-Event-ID", "Continue after this event: the last id that was received.", {"type": "string"})


@routes.add(
    "GET",
    "/v1/events",
    Access.read,
    answers={200: None},
    headers=(LAST_EVENT_ID,),
    media={"text/event-stream": "Events of all jobs; each id is `job:seq`."},
)
def follow_all_jobs(call: Call[Query, None]) -> Response:
    """Follow all jobs.

    One live stream over every job that the key may see: from now on, or after the event that Last-Event-ID names.
    """
    events = call.service.stores.events
    given = call.request.headers.get("Last-Event-ID", "").strip()
    start = events.position(given, call.who.reads) if given else events.now()
    return call.service.follow_account(call.who, start)


def frames(hub: Hub, events: Events, who: Principal, start: Position) -> Iterator[bytes]:
    """Yield all events after a position, in the feed's order, with comments during silence."""
    yield RETRY
    with hub.listening(who, owner=who.reads) as inbox:
        try:
            yield from _read(inbox, events, who.reads, start)
        except SQLAlchemyError as error:
            log.warning("feed_broken", error=str(error).partition("\n")[0])


def _read(inbox: Inbox, events: Events, owner: str | None, position: Position) -> Iterator[bytes]:
    said = time.monotonic()
    # Nothing happened yet: streams that open by the hundred would only keep the database busy.
    wait = QUIET_S / 6
    while not inbox.closed:
        look = events.look(position, owner, PAGE)
        position = look.position
        if look.events:
            yield b"".join(frame(f"{place.job_id}:{place.seq}", event) for place, event in look.events)
            said = time.monotonic()
        elif time.monotonic() - said >= COMMENT_S:
            yield COMMENT
            said = time.monotonic()
        # An event may settle a moment after its hint, when an older transaction ends: check soon, then less often.
        wait = BREATH_S if look.events else min(QUIET_S, wait * 2)
        try:
            if not look.more:
                inbox.get(wait)
                wait = BREATH_S
                time.sleep(BREATH_S)
        except Empty:
            continue
