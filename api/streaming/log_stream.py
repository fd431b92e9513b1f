"""The live stream of a job's log: what is there after a place, then what comes, until the job has ended."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from queue import Empty

import structlog
from flask import Request
from sqlalchemy.exc import SQLAlchemyError

from api.http.problems import InvalidError, field
from api.streaming.hub import Hub, Inbox
from api.streaming.job_stream import COMMENT, COMMENT_S, END, RETRY
from models.messages import RequestFaults
from stores.accounts.keys import Principal
from stores.infra.errors import BlobError
from stores.trainer_logs.pieces import Line, Piece, Place, lines_of
from stores.trainer_logs.reader import Reader

log = structlog.get_logger(__name__)

# Lines are sent twice a second at the most.
BREATH_S = 0.5
# A hint may be lost, so the rows are looked at this often anyway.
QUIET_S = 3.0
LINES = 500  # of an event


def place_in(request: Request) -> Place | None:
    """Return the place that `Last-Event-ID` names; None without it.

    Raises:
        InvalidError: it is no id of an event of a log.
    """
    given = request.headers.get("Last-Event-ID", "").strip()
    if not given:
        return None
    numbers = given.split(":")
    if len(numbers) != 2 or not all(one.isascii() and one.isdigit() and len(one) < 10 for one in numbers):
        where = {"pointer": "/header/Last-Event-ID", "header": "Last-Event-ID"}
        raise InvalidError([field(message=RequestFaults.line_of_a_log(), **where)])
    return Place(int(numbers[0]), int(numbers[1]))


def frames(hub: Hub, reader: Reader, who: Principal, job_id: str, place: Place, attempt: int | None) -> Iterator[bytes]:
    """Yield the lines of a log behind a place, each once and in order, with comments during silence."""
    yield RETRY
    with hub.listening_to_log(who, job_id) as inbox:
        try:
            yield from _follow(inbox, reader, job_id, place, attempt)
        except (SQLAlchemyError, BlobError) as error:
            # The headers are sent, so no error can be answered: the client reconnects with its last id.
            log.warning("log_stream_broken", job=job_id, error=str(error).partition("\n")[0])


def _follow(inbox: Inbox, reader: Reader, job_id: str, place: Place, attempt: int | None) -> Iterator[bytes]:
    said = time.monotonic()
    while not inbox.closed:
        # Asked before the lines are read: a job ends after its last line is stored.
        ended = reader.has_ended(job_id)
        for piece in reader.pieces(job_id, place, attempt):
            place = piece.end
            said = time.monotonic()
            yield from _events(piece)
            if inbox.closed:
                return
        if ended:
            yield END
            return
        if time.monotonic() - said >= COMMENT_S:
            yield COMMENT
            said = time.monotonic()
        try:
            inbox.get(QUIET_S)
            time.sleep(BREATH_S)
        except Empty:
            continue


def _events(piece: Piece) -> Iterator[bytes]:
    lines = list(lines_of(piece))
    for begin in range(0, len(lines), LINES):
        yield _frame(lines[begin : begin + LINES])


def _frame(lines: list[Line]) -> bytes:
    first, last = lines[0], lines[-1]
    data = {
        "attempt": first.attempt,
        "line": first.line,
        "lines": [line.text for line in lines],
        "left_out": first.left_out,
    }
    return f"id: {last.attempt}:{last.line}\nevent: log\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()
