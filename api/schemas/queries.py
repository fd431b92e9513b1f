"""Query parameters. Text comes in, so numbers and switches are read here, strictly: `1_0` and `yes` are mistakes."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from models.ids import id_pattern
from models.messages import FieldFaults
from models.states import ArtifactKind, DeviceClass, State

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")


def integer(value: Any) -> Any:
    """Read a number that came as text, as plainly as people write it."""
    if isinstance(value, str):
        if not _INTEGER.fullmatch(value):
            raise ValueError(FieldFaults.not_an_integer())
        return int(value)
    return value


def _switch(value: Any) -> Any:
    if isinstance(value, str):
        if value not in {"true", "false"}:
            raise ValueError(FieldFaults.not_a_switch())
        return value == "true"
    return value


def _moment(value: Any) -> Any:
    if isinstance(value, str):
        try:
            if not _RFC3339.fullmatch(value):
                raise ValueError(value)
            # Python reads six digits of a second at most; Postgres keeps no more.
            return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", value.upper())).astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValueError(FieldFaults.not_a_time_in_a_query()) from None
    return value


Switch = Annotated[bool, BeforeValidator(_switch)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Limit = Annotated[int, Field(ge=1, le=100), BeforeValidator(integer)]
Name = Annotated[str, Field(max_length=255)]
JobId = Annotated[str, Field(pattern=id_pattern("job"))]
LabelFilter = Annotated[str, Field(max_length=319, pattern=r"^[^:=]+[:=]")]


class Query(BaseModel):
    """A closed set of parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PageQuery(Query):
    """What every list takes."""

    limit: Limit = Field(20, description="Entries a page.")
    cursor: Annotated[str, Field(max_length=1024)] | None = Field(
        None, description="`next_cursor` of the page before; belongs to its filters and its caller."
    )


class JobsQuery(PageQuery):
    """Filters of the list of jobs. Each may be repeated: within one any value fits, across them all must."""

    state: list[State] = Field(default_factory=list)
    kind: list[Literal["train", "sample"]] = Field(default_factory=list)
    recipe: list[Name] = Field(default_factory=list)
    queue: list[DeviceClass] = Field(default_factory=list)
    label: list[LabelFilter] = Field(
        default_factory=list,
        description="`team:a` or `team=a`. Jobs that carry every key named, with any of the values named for it.",
    )
    parent: list[JobId] = Field(default_factory=list)
    created_after: Moment | None = None
    created_before: Moment | None = None


class AuditQuery(PageQuery):
    """Which lines of the audit. What may be repeated fits with any of its values."""

    action: list[Annotated[str, Field(max_length=64, pattern=r"^[a-z]+\.[a-z]+$")]] = Field(
        default_factory=list, description="Such as `job.cancel` or `key.create`; may be repeated."
    )
    subject: list[Annotated[str, Field(max_length=64, pattern=r"^[a-z]+(_[0-9a-f-]+)?$")]] = Field(
        default_factory=list,
        description="The id of what it was done to, a queue by its name, or `jobs` for many; may be repeated.",
    )
    owner: Name | None = Field(None, description="Whose key it was done with.")


class CreateQuery(Query):
    """How a job is created."""

    dry_run: Switch = Field(False, description="Validate, place and fill in defaults; store nothing.")


class EventsQuery(PageQuery):
    """Which events of a job."""

    after: Annotated[int, Field(ge=0, le=2**63 - 1), BeforeValidator(integer)] | None = Field(
        None, description="Continue after the event with this number (`Last-Event-ID` goes before it)."
    )


class CurvesQuery(Query):
    """Which curves, and how fine."""

    names: Annotated[str, Field(max_length=1024, pattern=r"^[a-z0-9_]{1,64}(,[a-z0-9_]{1,64})*$")] | None = Field(
        None, description="Names with commas between them; all when left out."
    )
    max_points: Annotated[int, Field(ge=2, le=100_000), BeforeValidator(integer)] = Field(
        500, description="Points a curve at most; minima and maxima are kept."
    )


class ArtifactsQuery(PageQuery):
    """Which artifacts of a job."""

    kind: list[ArtifactKind] = Field(default_factory=list)


class ContentQuery(Query):
    """How to get the bytes of an artifact."""

    redirect: Switch = Field(True, description="false: the bytes come from here instead of through a signed link.")
