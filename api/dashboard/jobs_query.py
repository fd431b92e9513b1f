"""The address of the list of jobs: search, filters, order and further columns, as forms and links have them."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from pydantic import Field, field_validator

from api.schemas.queries import Columns, JobsQuery
from models.views import rfc3339

PATH = "/dashboard/jobs"
MANY = ("state", "kind", "recipe", "queue", "label", "parent", "dataset", "extractor", "project", "owner", "id")
SEARCH = ("q", "starred")
MOMENTS = ("created_after", "created_before")
NEWEST_FIRST = "-created_at"
ACTIONS = ("pause", "resume", "cancel", "retry", "reprioritize", "delete")
# Of jobs in the trash.
TRASH_ACTIONS = ("restore", "purge")
TRASH = [("trashed", "true")]


class ListQuery(JobsQuery):
    """The filters as a form sends them: with empty fields, and with times from its inputs, in UTC."""

    columns: Columns = Field(default_factory=list, description="Further columns.")

    @field_validator(*MANY, "columns", mode="before")
    @classmethod
    def _given(cls, values: Any) -> Any:
        return list(dict.fromkeys(value for value in values if value)) if isinstance(values, list) else values

    @field_validator("sort", mode="before")
    @classmethod
    def _order(cls, value: Any) -> Any:
        return value or NEWEST_FIRST

    @field_validator("trashed", mode="before")
    @classmethod
    def _switch(cls, value: Any) -> Any:
        return value or "false"

    @field_validator(*SEARCH, mode="before")
    @classmethod
    def _asked(cls, value: Any) -> Any:
        return value.strip() or None if isinstance(value, str) else value

    @field_validator(*MOMENTS, "cursor", mode="before")
    @classmethod
    def _whole(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if found := re.fullmatch(r"(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d)(:\d\d(?:\.\d{1,6})?)?)?", value):
            return f"{found[1]}T{found[2] or '00:00'}{found[3] or ':00'}Z"
        return value or None

    def plain(self, **changes: Any) -> JobsQuery:
        """Return the query as the API takes it; cursors are bound to that form."""
        return JobsQuery.model_validate({**self.model_dump(include=set(JobsQuery.model_fields)), **changes})

    def filters(self) -> list[tuple[str, str]]:
        """Return the active filters as pairs of an address."""
        on = [] if self.q is None else [("q", self.q)]
        on += [] if self.starred is None else [("starred", str(self.starred).lower())]
        on += [(name, str(value)) for name in MANY for value in getattr(self, name)]
        on += [("trashed", "true")] if self.trashed else []
        return on + [(name, str(rfc3339(value))) for name in MOMENTS if (value := getattr(self, name)) is not None]

    def order(self) -> list[tuple[str, str]]:
        """Return the order and further columns as pairs of an address; nothing for the usual ones."""
        return self.shown() + ([] if self.sort == NEWEST_FIRST else [("sort", self.sort)])

    def shown(self) -> list[tuple[str, str]]:
        """Return the further columns as pairs of an address."""
        return [("columns", name) for name in self.columns]


class OrderQuery(ListQuery):
    """A bulk action on all jobs that match a filter."""

    action: str = Field("cancel", pattern=f"^({'|'.join(ACTIONS + TRASH_ACTIONS)})$")


def address(filters: list[tuple[str, str]], path: str = PATH, **more: Any) -> str:
    """Return the address of the list with these filters."""
    given = [*filters, *((name, value) for name, value in more.items() if value is not None)]
    return f"{path}?{urlencode(given)}" if given else path


def whole_trash() -> dict[str, str]:
    """Return the addresses of what is done with all that is in the trash, by action."""
    return {action: address(TRASH, f"{PATH}/bulk", action=action) for action in TRASH_ACTIONS}


def bulk_filter(query: ListQuery) -> dict[str, Any]:
    """Return the active filters as the body of a bulk action or a view has them."""
    found: dict[str, Any] = {name: list(map(str, getattr(query, name))) for name in MANY if getattr(query, name)}
    found |= {name: value for name in SEARCH if (value := getattr(query, name)) is not None}
    return found | {name: rfc3339(value) for name in MOMENTS if (value := getattr(query, name)) is not None}
