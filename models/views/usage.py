"""What devices were used for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from models.states import DeviceClass
from models.views.base import closed, view


@closed
class Usage(TypedDict):
    """What one owner's jobs of one project took of one queue."""

    owner: str
    project: Annotated[str | None, Field(description="Null: jobs without a project.")]
    queue: DeviceClass
    jobs: int
    attempts: int
    device_s: Annotated[float, Field(description="Seconds for which attempts held a device.")]
    energy_wh: Annotated[float | None, Field(description="Watt-hours that were measured; null where none were.")]


def usage_view(row: Mapping[Any, Any]) -> Usage:
    """Return the usage of a row."""
    return view(Usage, row)
