"""The workers, for admins: device, activity and free memory of each, and draining."""

from __future__ import annotations

from api.dashboard import machines
from api.dashboard.pages import Pages, TemplateResponse, Visit
from api.schemas.queries import Query
from api.v1.queues import list_workers

pages = Pages()


@pages.add("/dashboard/workers", list_workers)
def workers(visit: Visit[Query]) -> TemplateResponse:
    """Show the workers seen in the last 24 h."""
    listed = machines.workers(visit)
    there = [one for one in listed if one["state"] != "stopped"]
    return TemplateResponse(
        "workers.html", {"workers": there, "stopped": [one for one in listed if one["state"] == "stopped"]}
    )
