"""Lists of jobs that are kept under a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from models.views.base import Moment, closed, view


@closed
class SavedView(TypedDict):
    """A list of jobs that an owner keeps under a name."""

    id: str
    name: str
    filter: Annotated[dict[str, Any], Field(description="The filters of `GET /v1/jobs` that were given.")]
    sort: str
    columns: list[str]
    created_at: Moment


def saved_view(row: Mapping[Any, Any]) -> SavedView:
    """Return a kept list."""
    return view(SavedView, row)
