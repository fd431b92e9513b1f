"""The live stream of one job: register with the hub, replay the rows, follow, and end with the job."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty

import structlog
from flask import Request, Response
from prometheus_client import Gauge
from sqlalchemy.exc import SQLAlchemyError

from api.http.problems import InvalidError, ProblemError, field
from api.streaming.hub import PAGE, Hub, Inbox, News, wait_for
from models.messages import RequestFaults, ServiceFaults
from models.states import TERMINAL
from models.views import Job
from stores.accounts.keys import Principal
from stores.events.events import Events
from stores.queries.jobs import JobQueries

log = structlog.get_logger(__name__)

RETRY = b"retry: 3000\n\n"
END = b"event: end\ndata: {}\n\n"
COMMENT = b": keep-alive\n\n"
COMMENT_S = 15.0


class Streams:
    """Counts the open streams of this process and caps them, all and those of one key. `gauge` tracks the count.

    A request that waits for a change (`Prefer: wait`) holds a connection as a stream does, and counts as one.
    """

    def __init__(self, limit: int, limit_per_key: int, gauge: Gauge) -> None:
        self._limit = limit
        self._limit_per_key = limit_per_key
        self._gauge = gauge
        self._lock = threading.Lock()
        self._of_key: Counter[str] = Counter()
        self.open = 0

    def respond(self, who: Principal, frames: Iterator[bytes]) -> Response:
        """Return the response that sends these frames.

        Raises:
            ProblemError: 503, there are too many streams; 429, this key has too many.
        """
        self._open(who)
        response = Response(frames, mimetype="text/event-stream")
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Accel-Buffering"] = "no"  # a buffering proxy would delay events
        response.call_on_close(lambda: self._close(who))
        return response

    @contextmanager
    def held(self, who: Principal) -> Iterator[None]:
        """Count one stream while the block runs.

        Raises:
            ProblemError: as `respond` does.
        """
        self._open(who)
        try:
            yield
        finally:
            self._close(who)

    def _open(self, who: Principal) -> None:
        with self._lock:
            if self._of_key[who.key_id] >= self._limit_per_key:
                own = ServiceFaults.too_many_streams_of_key(limit=self._limit_per_key)
                raise ProblemError("rate_limited", own, headers={"Retry-After": "5"})
            if self.open >= self._limit:
                message = ServiceFaults.too_many_streams(limit=self._limit)
                raise ProblemError("unavailable", message, headers={"Retry-After": "5"})
            self.open += 1
            self._of_key[who.key_id] += 1
            self._gauge.inc()

    def _close(self, who: Principal) -> None:
        with self._lock:
            self.open -= 1
            self._of_key[who.key_id] -= 1
            if not self._of_key[who.key_id]:
                del self._of_key[who.key_id]
            self._gauge.dec()


def position(request: Request, after: int | None, job: Job) -> int:
    """Return the number of the last event that the caller has seen: from `Last-Event-ID`, else from `after`.

    Raises:
        InvalidError: it is no number, or the job has no such event.
    """
    given = request.headers.get("Last-Event-ID", "").strip()
    if not given:
        seen, where = after or 0, {"pointer": "/query/after", "parameter": "after"}
    else:
        where = {"pointer": "/header/Last-Event-ID", "header": "Last-Event-ID"}
        if not (given.isascii() and given.isdigit() and len(given) < 19):
            raise InvalidError([field(message=RequestFaults.event_of_this_job(), **where)])
        seen = int(given)
    if seen > job["last_seq"]:
        raise InvalidError([field(message=RequestFaults.last_event(seq=job["last_seq"]), **where)])
    return seen


def frames(hub: Hub, events: Events, who: Principal, job_id: str, seen: int) -> Iterator[bytes]:
    """Yield the events of a job after `seen`, each once and in order, with comments during silence."""
    yield RETRY
    with hub.listening(who, job_id=job_id, seen=seen) as inbox:
        try:
            for batch in _batches(inbox, events, job_id, seen):
                yield b"".join(news.frame for news in batch) or COMMENT
                if batch and batch[-1].last:
                    yield END
                    return
        except SQLAlchemyError as error:
            # The headers are sent, so no error can be answered: the client reconnects with its last id.
            log.warning("stream_broken", job=job_id, error=str(error).partition("\n")[0])


def _batches(inbox: Inbox, events: Events, job_id: str, seen: int) -> Iterator[list[News]]:
    """Yield the events after `seen`, first from the rows, then from the hub; [] after a silence."""
    behind = True
    while not inbox.closed:
        if behind:
            inbox.overflowed = False
            fresh = [News.of(event) for event in events.page(job_id, seen, PAGE)]
            behind = len(fresh) == PAGE
        else:
            try:
                news = inbox.get(COMMENT_S)
            except Empty:
                yield []
                continue
            behind = news is None or news.seq > seen + 1  # a nudge or a lost hint: read the rows
            fresh = [news] if news is not None and news.seq == seen + 1 else []
        if fresh:
            seen = fresh[-1].seq
            yield fresh


def await_change(hub: Hub, reports: JobQueries, who: Principal, job_id: str, seconds: float) -> Job:
    """Return the job when its state has changed, or when `seconds` have passed.

    Raises:
        NotFoundError: there is no such job, or it is somebody else's.
    """
    deadline = time.monotonic() + seconds
    job = reports.job(job_id, who.reads)
    with hub.listening(who, job_id=job_id, seen=job["last_seq"]) as inbox:
        # Registered before this second read, so that no change in between is missed.
        now = reports.job(job_id, who.reads)
        if now["state"] != job["state"] or now["state"] in TERMINAL:
            return now

        def changed(news: News | None) -> bool:
            return news is None or (news.kind == "state" and news.seq > now["last_seq"])

        if not wait_for(inbox, deadline, changed):
            return now
    return reports.job(job_id, who.reads)
