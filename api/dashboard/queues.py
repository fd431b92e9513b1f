"""The queues: waiting jobs, next jobs, and pause and resume for admins."""

from __future__ import annotations

from api.dashboard import machines
from api.dashboard.pages import Pages, TemplateResponse, Visit
from api.schemas.queries import Query
from api.v1.queues import list_queues

pages = Pages()

NEXT = 10


@pages.add("/dashboard/queues", list_queues)
def queues(visit: Visit[Query]) -> TemplateResponse:
    """Show every queue with its next jobs; users see only their own jobs."""
    upcoming = visit.service.stores.schedule.upcoming_jobs
    listed = [{**one, "next": upcoming.next(one["name"], visit.who.reads, NEXT)} for one in machines.queues(visit)]
    return TemplateResponse("queues.html", {"queues": listed})
