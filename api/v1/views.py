"""Lists of jobs that are kept under a name."""

from __future__ import annotations

from typing import Any

from api.http.access import Access
from api.http.cursors import pager_for, short_list
from api.http.filters import job_filter
from api.http.routes import Call, Reply, Routes
from api.schemas import answers
from api.schemas.bodies import NewView
from api.schemas.queries import PageQuery, Query
from models.ids import is_id
from models.messages import ViewFaults
from stores.infra.errors import NotFoundError

routes = Routes("views")


@routes.add("GET", "/v1/views", Access.read, query=PageQuery, answers={200: answers.Page[answers.SavedView]})
def list_views(call: Call[PageQuery, None]) -> dict[str, Any]:
    """List the kept views, by name."""
    return short_list(pager_for(call, "views"), call.service.stores.accounts.views.all(call.who.owner))


@routes.add(
    "POST",
    "/v1/views",
    Access.change,
    body=NewView,
    answers={201: answers.SavedView},
    problems=("conflict",),
)
def create_view(call: Call[Query, NewView]) -> Reply:
    """Keep a filter with its order and columns under a name.

    409: there is one of this name, or there are 100.
    """
    asked = call.body
    job_filter(asked.filter, call.who.reads, "/filter")  # refuses a search that cannot be read
    wanted = asked.filter.model_dump(mode="json", exclude_unset=True)
    made = call.service.stores.accounts.views.create(call.who, asked.name, wanted, asked.sort, asked.columns)
    return Reply(made, 201)


@routes.add("DELETE", "/v1/views/{view_id}", Access.change, answers={204: None})
def delete_view(call: Call[Query, None], view_id: str) -> Reply:
    """Forget a view. Its jobs stay."""
    if not is_id("view", view_id):
        raise NotFoundError(ViewFaults.no_such_view())
    call.service.stores.accounts.views.delete(call.who, view_id)
    return Reply(None, 204)
