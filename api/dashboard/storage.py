"""What takes the room, with the buttons to make some; and the trash."""

from __future__ import annotations

from typing import Any

from api.dashboard.jobs_query import address
from api.dashboard.pages import Pages, TemplateResponse, Visit
from api.schemas.queries import Query
from api.v1.trash import show_storage

pages = Pages()

TRASH = [("trashed", "true")]


@pages.add("/dashboard/storage", show_storage)
def storage(visit: Visit[Query]) -> TemplateResponse:
    """Show what is stored by owner, kind, data set and job, largest first."""
    held = visit.ask(show_storage, Query())
    may_delete = visit.may("DELETE", "/v1/datasets/{dataset_id}")
    sees_all = visit.who.reads is None
    sets = [{**one, "may_delete": may_delete and (sees_all or one["owner"] == visit.who.owner)}
            for one in held["by_dataset"]]  # fmt: skip
    context: dict[str, Any] = {
        "held": {**held, "by_dataset": sets},
        "days": visit.service.settings.trash_days,
        "trash": address(TRASH),
        "orders": {action: address(TRASH, "/dashboard/jobs/bulk", action=action) for action in ("restore", "purge")},
    }
    return TemplateResponse("storage.html", context)
