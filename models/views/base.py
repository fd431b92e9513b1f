"""How a row becomes what readers see of it.

A view is a dictionary with a closed set of fields: its class says which, of what types, and what they mean. The stores
return such dictionaries, the API sends them as JSON, the OpenAPI document is made from the classes by pydantic, and the
Python client names them as its types.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar, cast

from pydantic import WithJsonSchema, with_config

View = TypeVar("View")

# A time as RFC 3339 has it, in UTC.
Moment = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]

closed: Callable[[type[View]], type[View]] = with_config(extra="forbid")


def rfc3339(moment: datetime) -> str:
    """Return the moment in UTC, to the microsecond, with a Z."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def view(shape: type[View], row: Mapping[Any, Any], **made: Any) -> View:
    """Return the view of a row. Each field takes the column of the same name, unless `made` gives its value."""
    return cast(View, {name: made[name] if name in made else _json(row[name]) for name in shape.__annotations__})


def _json(value: Any) -> Any:
    return rfc3339(value) if isinstance(value, datetime) else value
