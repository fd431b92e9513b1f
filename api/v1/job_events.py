"""The events of one job, as a page or as a live stream."""

from __future__ import annotations

from typing import Any

from flask import Response

from api.http.access import Access
from api.http.cursors import number_position, pager_for
from api.http.routes import Call, Routes
from api.schemas import answers
from api.schemas.queries import EventsQuery
from api.streaming.account_feed import LAST_EVENT_ID
from api.streaming.job_stream import position
from api.v1.jobs import job_id_in
from models.states import TERMINAL

routes = Routes("events")

STREAM = "text/event-stream"


@routes.add(
    "GET",
    "/v1/jobs/{job_id}/events",
    Access.read,
    query=EventsQuery,
    headers=(LAST_EVENT_ID,),
    answers={200: answers.Page[answers.Event], 204: None},
    media={STREAM: "The same events, live, from the first or after Last-Event-ID; `event: end` closes."},
)
def list_or_follow_events(call: Call[EventsQuery, None], job_id: str) -> dict[str, Any] | Response:
    """List or follow the events of a job.

    With `Accept: text/event-stream` they come live. A stream that has had the last event of a finished job gets 204.
    """
    job = call.service.stores.queries.jobs.job(job_id_in(job_id), call.who.reads)
    best = call.request.accept_mimetypes.best_match(["application/json", STREAM], default="application/json")
    return _follow(call, job) if best == STREAM else _page(call, job)


def _page(call: Call[EventsQuery, None], job: answers.Job) -> dict[str, Any]:
    pager = pager_for(call, job["id"])
    place = pager.after(number_position)
    after = (call.query.after or 0) if place is None else place
    rows = call.service.stores.events.page(job["id"], after, pager.fetch)
    return pager.page(rows, lambda event: event["seq"])


def _follow(call: Call[EventsQuery, None], job: answers.Job) -> Response:
    seen = position(call.request, call.query.after, job)
    if job["state"] in TERMINAL and seen == job["last_seq"]:
        return Response(status=204)
    return call.service.follow_job(call.who, job["id"], seen)
