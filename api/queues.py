"""Queues and the workers that serve them."""

from __future__ import annotations

from typing import Any

from api.access import Access
from api.cursors import short_list
from api.routes import Call, Routes
from api.schemas import answers
from api.schemas.queries import PageQuery

routes = Routes("queues")


@routes.add("GET", "/v1/queues", Access.read, query=PageQuery, answers={200: answers.Page[answers.Queue]})
def list_queues(call: Call[PageQuery, None]) -> dict[str, Any]:
    """List the queues: what waits, what runs, who serves them."""
    stores = call.service.stores
    return short_list(stores.reports.queues(stores.alive_s), call.query, call.who, "queues")


@routes.add("GET", "/v1/workers", Access.admin, query=PageQuery, answers={200: answers.Page[answers.Worker]})
def list_workers(call: Call[PageQuery, None]) -> dict[str, Any]:
    """List the workers that were seen within the last day."""
    stores = call.service.stores
    return short_list(stores.reports.workers(stores.alive_s), call.query, call.who, "workers", "id")
