"""The list of data sets, and their upload."""

from __future__ import annotations

from typing import Any

from api.dashboard.pages import Pages, TemplateResponse, Visit
from api.schemas.queries import Limit, PageQuery
from api.v1.datasets import list_datasets
from packing.limits import LARGEST, SMALLEST

pages = Pages()

A_PAGE = 24
PARTS = ("train", "trainA", "trainB", "test", "testA", "testB")


class DatasetsQuery(PageQuery):
    """The page of the list."""

    limit: Limit = A_PAGE


@pages.add("/dashboard/datasets", list_datasets, query=DatasetsQuery)
def datasets(visit: Visit[DatasetsQuery]) -> TemplateResponse:
    """Show the data sets, newest first."""
    page = visit.ask(list_datasets, visit.query)
    context = {
        "datasets": [{**view, **_for(visit, view)} for view in page["data"]],
        "next_cursor": page["next_cursor"],
        "limit_given": visit.query.limit if visit.query.limit != A_PAGE else None,
        "limit": visit.service.stores.infra.settings.max_upload_bytes,
        "smallest": SMALLEST,
        "largest": LARGEST,
    }
    return TemplateResponse("datasets.html", context)


def _for(visit: Visit[DatasetsQuery], view: dict[str, Any]) -> dict[str, Any]:
    """Return a data set with what this person may do with it, its name in their jobs, and its parts in order."""
    mine = view["owner"] == visit.who.owner
    may_delete = visit.may("DELETE", "/v1/datasets/{dataset_id}") and (mine or visit.who.reads is None)
    return {
        "mine": mine,
        "parts": [(part, view["parts"][part]) for part in PARTS if part in view["parts"]],
        "called": view["name"] if mine or view["owner"] is None else view["id"],
        "may_delete": view["source"] == "uploaded" and may_delete,
    }
