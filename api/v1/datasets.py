"""The data sets."""

from __future__ import annotations

from typing import Any

from flask import Response

from api.http.access import Access
from api.http.cursors import created, pager_for, time_position
from api.http.downloads import hand_out
from api.http.routes import Call, Reply, Routes
from api.schemas import answers
from api.schemas.forms import NewDataset
from api.schemas.queries import ContentQuery, PageQuery, Query
from models.ids import is_id
from models.messages import Missing
from stores.infra.errors import NotFoundError

routes = Routes("datasets")


@routes.add("GET", "/v1/datasets", Access.read, query=PageQuery, answers={200: answers.Page[answers.Dataset]})
def list_datasets(call: Call[PageQuery, None]) -> dict[str, Any]:
    """List the data sets that the key may use: built in, discovered below the data roots, uploaded."""
    pager = pager_for(call, "datasets")
    rows = call.service.stores.datasets.page(call.who.reads, pager.fetch, pager.after(time_position))
    return pager.page(rows, created)


@routes.add("GET", "/v1/datasets/{dataset_id}", Access.read, answers={200: answers.Dataset})
def get_dataset(call: Call[Query, None], dataset_id: str) -> answers.Dataset:
    """Get a data set by its id or name."""
    return _find(call, dataset_id)


@routes.add(
    "POST",
    "/v1/datasets",
    Access.change,
    form=NewDataset,
    answers={201: answers.ImportedDataset},
    answer_headers={201: {"Location": "The data set."}},
    problems=("conflict",),
)
def create_dataset(call: Call[Query, None]) -> Reply:
    """Create a data set from a zip or tar of pictures.

    The answer comes when the data set is ready. Damaged pictures and files of kinds that are not read are named
    (422) unless `skip_damaged` is true.
    """
    made = call.service.import_dataset(call.request, call.who)
    return Reply(made, 201, {"Location": f"/v1/datasets/{made['id']}"})


@routes.add(
    "GET",
    "/v1/datasets/{dataset_id}/preview",
    Access.read,
    query=ContentQuery,
    answers={303: None, 200: None},
    answer_headers={303: {"Location": "A signed link."}},
    media={"image/png": "A grid of its pictures."},
)
def show_preview(call: Call[ContentQuery, None], dataset_id: str) -> Reply | Response:
    """Get the preview: a grid of a data set's pictures, with classes in rows for built-in and discovered data sets.

    303 to a signed link that lives for 10 minutes; with `redirect=false` the PNG itself. The link refuses a request
    that brings an `Authorization` header too.
    """
    found = _find(call, dataset_id)
    key = call.service.stores.datasets.uploads.preview_key(found["id"], call.who.reads)
    if key is None:
        raise NotFoundError(Missing.no_preview())
    blobs = call.service.stores.infra.blobs
    return hand_out(blobs, key, "preview.png", "image/png", redirect=call.query.redirect and blobs.links)


@routes.add("DELETE", "/v1/datasets/{dataset_id}", Access.change, answers={204: None}, problems=("conflict",))
def delete_dataset(call: Call[Query, None], dataset_id: str) -> Reply:
    """Delete an uploaded data set. 409 while a job needs it."""
    if not is_id("ds", dataset_id):
        raise NotFoundError(Missing.no_such_dataset())
    call.service.stores.datasets.uploads.delete(dataset_id, call.who)
    return Reply(None, 204)


def _find(call: Call[Any, None], dataset_id: str) -> answers.Dataset:
    found = None if "\0" in dataset_id else call.service.stores.datasets.find(dataset_id, call.who.reads)
    if found is None:
        raise NotFoundError(Missing.no_such_dataset())
    return found
