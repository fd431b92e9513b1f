"""Data sets: what there is to train on."""

from __future__ import annotations

from typing import Any

from api.access import Access
from api.cursors import Pager, created, newest_first
from api.routes import Call, Reply, Routes
from api.schemas import answers
from api.schemas.queries import PageQuery, Query
from models.ids import is_id
from stores.errors import NotFoundError

routes = Routes("datasets")


@routes.add("GET", "/v1/datasets", Access.read, query=PageQuery, answers={200: answers.Page[answers.Dataset]})
def list_datasets(call: Call[PageQuery, None]) -> dict[str, Any]:
    """List the data sets that the key may use: built in, found under the data roots, uploaded."""
    pager = Pager(call.query, call.who, "datasets")
    rows = call.service.stores.datasets.page(call.who.reads, pager.fetch, newest_first(pager.place))
    return pager.page(rows, created)


@routes.add("GET", "/v1/datasets/{dataset_id}", Access.read, answers={200: answers.Dataset})
def get_dataset(call: Call[Query, None], dataset_id: str) -> dict[str, Any]:
    """Look at a data set, by its id or its name."""
    found = None if "\0" in dataset_id else call.service.stores.datasets.find(dataset_id, call.who.reads)
    if found is None:
        raise NotFoundError("there is no such data set")
    return found


@routes.add("DELETE", "/v1/datasets/{dataset_id}", Access.change, answers={204: None}, problems=("conflict",))
def delete_dataset(call: Call[Query, None], dataset_id: str) -> Reply:
    """Delete an uploaded data set. 409 while a job needs it."""
    if not is_id("ds", dataset_id):
        raise NotFoundError("there is no such data set")
    call.service.stores.datasets.delete(dataset_id, call.who.reads)
    return Reply(None, 204)
