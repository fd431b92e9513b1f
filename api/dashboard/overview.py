"""The first page: what waits, what runs, who works, and what needs a person."""

from __future__ import annotations

from api.dashboard.pages import Pages, Shown, Visit
from api.queues import list_queues, list_workers
from api.schemas.queries import PageQuery, Query
from models.states import Role

pages = Pages()

ALL = PageQuery(limit=100)


@pages.add("/dashboard")
def overview(visit: Visit[Query]) -> Shown:
    """Show how the service is."""
    workers = visit.ask(list_workers, ALL)["data"] if visit.who.role is Role.admin else None
    return Shown("overview.html", {"queues": visit.ask(list_queues, ALL)["data"], "workers": workers})
