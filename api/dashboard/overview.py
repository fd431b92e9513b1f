"""The overview: what needs attention, running jobs, what finished, alerts, then queues and workers."""

from __future__ import annotations

from api.dashboard import machines
from api.dashboard.attention import attention
from api.dashboard.pages import Pages, TemplateResponse, Visit
from api.schemas.queries import JobsQuery, Query
from api.v1.jobs import list_jobs
from api.v1.queues import list_queues
from models.states import State

pages = Pages()

LISTED_JOBS = 8
ALERTS = 10


@pages.add("/dashboard", list_queues, list_jobs)
def overview(visit: Visit[Query]) -> TemplateResponse:
    """Show the state of the service. Users see all queues, but only their own jobs."""
    queues = machines.queues(visit)
    workers = machines.workers(visit) if visit.may("GET", "/v1/workers") else None
    pulse = visit.service.stores.queries.activity
    running = visit.ask(list_jobs, JobsQuery(state=[State.running], limit=LISTED_JOBS))
    return TemplateResponse(
        "overview.html",
        {
            "queues": queues,
            "workers": None if workers is None else [one for one in workers if one["state"] != "stopped"],
            **attention(visit, queues, workers)._asdict(),
            "running": running,
            "pictures": visit.service.stores.queries.job_list.pictures([job["id"] for job in running["data"]]),
            "ended": pulse.ended(visit.who.reads, LISTED_JOBS),
            "alerts": pulse.alerts(visit.who.reads, ALERTS),
        },
    )
