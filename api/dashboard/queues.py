"""The queues: what waits in each, what comes next, and the switch that an admin has."""

from __future__ import annotations

from api.dashboard import machines
from api.dashboard.pages import Pages, TemplateResponse, Visit
from api.schemas.queries import Query
from api.v1.queues import list_queues

pages = Pages()

NEXT = 10


@pages.add("/dashboard/queues", list_queues)
def queues(visit: Visit[Query]) -> TemplateResponse:
    """Show every queue with the head of its line; who is no admin sees their own jobs in it."""
    upcoming = visit.service.stores.schedule.upcoming_jobs
    listed = [{**one, "next": upcoming.next(one["name"], visit.who.reads, NEXT)} for one in machines.queues(visit)]
    return TemplateResponse("queues.html", {"queues": listed})
