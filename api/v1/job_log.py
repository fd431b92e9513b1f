"""The log of a job: what its trainers wrote, as text, as numbered lines, or as a live stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from flask import Response

from api.http.access import Access
from api.http.problems import InvalidError, field
from api.http.routes import Call, Routes
from api.schemas import answers
from api.schemas.queries import LogQuery
from api.streaming.account_feed import LAST_EVENT_ID
from api.streaming.log_stream import place_in
from api.v1.jobs import job_id_in
from models.messages import LogMarks, RequestFaults
from stores.trainer_logs.pieces import BEGINNING, Piece
from stores.trainer_logs.reader import Found, Reader

routes = Routes("jobs")

STREAM, TEXT, JSON = "text/event-stream", "text/plain", "application/json"
# Lines as JSON, where nobody says how many.
LAST = 200


@routes.add(
    "GET",
    "/v1/jobs/{job_id}/log",
    Access.read,
    query=LogQuery,
    headers=(LAST_EVENT_ID,),
    answers={200: answers.Log, 204: None},
    media={
        TEXT: "The text, in UTF-8. A line in the form `… 12 lines left out …` stands where lines are missing.",
        STREAM: "Lines as they come. Each id is `attempt:line`, of the last line in the event; `event: end` closes.",
    },
)
def get_log(call: Call[LogQuery, None], job_id: str) -> dict[str, Any] | Response:
    """Read, search or follow a job's log.

    It is everything that the trainers of all attempts wrote, and what they told, a line for each message. As text it is
    whole unless `tail` or `search` says otherwise; as JSON these are numbered lines, the last 200 by default. A search
    finds up to 1,000 lines. A stream that has had the last line of a finished job gets 204. The log of a job has 64 MB
    at the most: beyond that, lines in the middle are left out.
    """
    call.service.stores.queries.jobs.job(job_id_in(job_id), call.who.reads)
    reader, query = call.service.stores.trainer_logs.reader, call.query
    wanted = call.request.accept_mimetypes.best_match([TEXT, JSON, STREAM], default=TEXT)
    if wanted == STREAM:
        return _follow(call, job_id)
    if wanted == TEXT and query.tail is None and query.search is None:
        return _text(_whole(reader, job_id, query.attempt))
    found = _found(reader, job_id, query)
    if wanted == JSON:
        return {"lines": [line._asdict() for line in found.lines], "more": found.more}
    return _text(_as_text(found, searched=query.search is not None))


def _found(reader: Reader, job_id: str, query: LogQuery) -> Found:
    if query.search is not None:
        return reader.search(job_id, query.search, query.attempt, query.tail)
    count = query.tail or LAST
    lines = reader.last(job_id, count + 1, query.attempt)
    return Found(lines[-count:], more=len(lines) > count)


def _follow(call: Call[LogQuery, None], job_id: str) -> Response:
    query, reader = call.query, call.service.stores.trainer_logs.reader
    if query.search is not None:
        where = {"pointer": "/query/search", "parameter": "search"}
        raise InvalidError([field(message=RequestFaults.search_of_a_stream(), **where)])
    place = place_in(call.request)
    if (
        place is not None
        and reader.has_ended(job_id)
        and next(reader.pieces(job_id, place, query.attempt), None) is None
    ):
        return Response(status=204)
    if place is None:
        place = BEGINNING if query.tail is None else reader.place_before(job_id, query.tail, query.attempt)
    return call.service.follow_log(call.who, job_id, place, query.attempt)


def _text(parts: Iterable[bytes]) -> Response:
    return Response(parts, content_type="text/plain; charset=utf-8")


def _whole(reader: Reader, job_id: str, attempt: int | None) -> Iterator[bytes]:
    pieces = reader.pieces(job_id, attempt=attempt)
    # The first one is read here, where a store that does not answer still is a 503.
    first = next(pieces, None)
    return iter(()) if first is None else _with_marks(chain([first], pieces))


def _with_marks(pieces: Iterable[Piece]) -> Iterator[bytes]:
    attempt = None
    for piece in pieces:
        yield _marks(attempt, piece.attempt, piece.left_out)
        yield piece.text
        attempt = piece.attempt


def _as_text(found: Found, *, searched: bool) -> Iterator[bytes]:
    if searched:
        yield b"".join(f"{line.text}\n".encode() for line in found.lines)
        if found.more:
            yield f"{LogMarks.more_match(count=len(found.lines))}\n".encode()
        return
    attempt = None
    for line in found.lines:
        yield _marks(attempt, line.attempt, line.left_out) + f"{line.text}\n".encode()
        attempt = line.attempt


def _marks(before: int | None, attempt: int, left_out: int) -> bytes:
    """Return the lines that stand before some text: the attempt, where it is another one, and what is missing."""
    marks = [] if before in {None, attempt} else [LogMarks.next_attempt(number=attempt)]
    marks += [LogMarks.lines_left_out(count=left_out)] if left_out else []
    return "".join(f"{mark}\n" for mark in marks).encode()
