"""Jobs: create, list, get, change."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from api.http.access import Access
from api.http.cursors import created, number_position, order_position, ordered, pager_for, time_position
from api.http.filters import job_filter, job_order
from api.http.idempotency import IDEMPOTENCY_KEY, REPLAYED, idempotency, made
from api.http.problems import InvalidError
from api.http.routes import Call, Header, Reply, Routes
from api.schemas import answers
from api.schemas.bodies import JobChanges, NewJobBody
from api.schemas.queries import CreateQuery, JobsQuery, PageQuery, Query
from api.submit import monitor
from api.submit.extractors import awaiting_extractor
from api.submit.placement import place
from models.ids import is_id
from models.messages import Missing
from stores.infra.errors import NotFoundError
from stores.jobs.insert import new_job_view

routes = Routes("jobs")

LONGEST_WAIT_S = 60
PREFER = Header(
    "Prefer",
    "`wait=30` waits up to so many seconds (60 at most) for a change of state.",
    {"type": "string"},
)


def job_id_in(path: str) -> str:
    """Return the id in a path, if it is valid.

    Raises:
        NotFoundError
    """
    if not is_id("job", path):
        raise NotFoundError(Missing.no_such_job())
    return path


@routes.add(
    "POST",
    "/v1/jobs",
    Access.change,
    query=CreateQuery,
    body=NewJobBody,
    headers=(IDEMPOTENCY_KEY,),
    answers={201: answers.Job, 200: answers.PlannedJob},
    answer_headers={201: {"Location": "The job.", **REPLAYED}},
    problems=("conflict",),
)
def create_job(call: Call[CreateQuery, NewJobBody]) -> Reply:
    """Create a job.

    With `dry_run=true` nothing is stored: 200 and the job as it would be, with its place in the queue and its ETA were
    it sent now, and `id`, `state` and `created_at` null.
    """
    stores = call.service.stores
    request = idempotency(call)
    try:
        new = place(stores, call.who, call.body.root)
        if not call.query.dry_run and not monitor.left_open(call.body.root):
            new = awaiting_extractor(stores, call.who, new, request)
    except InvalidError:
        # What the first request with this key named may be gone by now; it is answered as it was.
        if request is None or call.query.dry_run or not (stored := stores.jobs.answered(call.who.owner, request)):
            raise
        return made(stored, replayed=True)
    if call.query.dry_run:
        return Reply(new_job_view(new, stores.queries.jobs.foresee(vars(new))))
    return made(*stores.jobs.submit(new, request, call.who))


@routes.add(
    "GET",
    "/v1/jobs",
    Access.read,
    query=JobsQuery,
    answers={200: answers.Page[answers.Job]},
    problems=("conflict",),
)
def list_jobs(call: Call[JobsQuery, None]) -> dict[str, Any]:
    """List jobs, newest first, or in another order; those that a search and filters let through.

    409: the order is that of a figure, and jobs that match were measured with different extractors, so their figures
    are not comparable.
    """
    pager = pager_for(call, "jobs")
    wanted = job_filter(call.query, call.who.reads)
    jobs, order = call.service.stores.queries.jobs, job_order(call.query.sort)
    if order is not None:
        rows = jobs.jobs_in_order(wanted, order, pager.fetch, pager.after(order_position(order.name)))
        return pager.page(rows, partial(ordered, order.name))
    oldest_first = call.query.sort == "created_at"
    return pager.page(jobs.jobs(wanted, pager.fetch, pager.after(time_position), oldest_first=oldest_first), created)


@routes.add("GET", "/v1/jobs/{job_id}", Access.read, headers=(PREFER,), answers={200: answers.Job})
def get_job(call: Call[Query, None], job_id: str) -> answers.Job | Reply:
    """Get a job.

    `Prefer: wait=30` answers when its state has changed, at the latest after so many seconds, and at once when it has
    ended.
    """
    preferred = re.search(r"(?:^|[,;\s])wait=(\d{1,9})(?=$|[,;\s])", call.request.headers.get("Prefer", ""))
    if preferred is None:
        return call.service.stores.queries.jobs.job(job_id_in(job_id), call.who.reads)
    seconds = min(int(preferred[1]), LONGEST_WAIT_S)
    return Reply(
        call.service.await_change(call.who, job_id_in(job_id), seconds),
        headers={"Preference-Applied": f"wait={seconds}"},
    )


@routes.add(
    "PATCH",
    "/v1/jobs/{job_id}",
    Access.change,
    body=JobChanges,
    answers={200: answers.Job},
    problems=("conflict",),
)
def change_job(call: Call[Query, JobChanges], job_id: str) -> answers.Job:
    """Change priority, labels, name, notes, project or star, or the position among the owner's waiting jobs.

    409: `order` was asked of a job that does not wait.
    """
    stores = call.service.stores
    changes = call.body.model_dump(include=call.body.model_fields_set)
    stores.jobs.change(job_id_in(job_id), call.who, changes)
    return stores.queries.jobs.job(job_id, call.who.reads)


@routes.add(
    "GET",
    "/v1/jobs/{job_id}/attempts",
    Access.read,
    query=PageQuery,
    answers={200: answers.Page[answers.Attempt]},
)
def list_attempts(call: Call[PageQuery, None], job_id: str) -> dict[str, Any]:
    """List the attempts of a job, first to last."""
    reports = call.service.stores.queries.jobs
    reports.job(job_id_in(job_id), call.who.reads)
    pager = pager_for(call, f"attempts {job_id}")
    after = pager.after(number_position) or 0
    rows = [row for row in reports.attempts(job_id) if row["number"] > after]
    return pager.page(rows, lambda row: row["number"])
