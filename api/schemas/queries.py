"""Query parameters. They are text, so numbers and switches are parsed here, strictly: `1_0` and `yes` are errors."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from models.ids import id_pattern
from models.limits import MAX_ENTRIES, MAX_QUERY
from models.messages import FieldFaults
from models.states import ArtifactKind, DeviceClass, JobKind, State

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")


def integer(value: Any) -> Any:
    """Parse a number in plain notation."""
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
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Entry = TypeVar("Entry")
Repeated = Annotated[list[Entry], Field(max_length=MAX_ENTRIES)]
Search = Annotated[
    str,
    Field(
        max_length=MAX_QUERY,
        description="A search: words that stand in name, notes, labels or id, and terms such as `recipe:dcgan`, "
        "`params.batch_size>=64`, `best.fd_ratio<3`, `last.g_loss<1`, `is:starred`; `-` excludes, quotation marks keep "
        "words together. 422 with the `position` of the first error. See docs/16-finding.md.",
    ),
]
SortBy = Literal[
    "created_at",
    "-created_at",
    "finished_at",
    "-finished_at",
    "name",
    "-name",
    "priority",
    "-priority",
    "duration",
    "-duration",
    "fd_ratio",
    "-fd_ratio",
    "kid",
    "-kid",
]
# Further columns of the page of jobs: facts of a job, parameters, and newest values of metrics.
ColumnName = Annotated[
    str,
    Field(
        max_length=64,
        pattern=r"^(kind|recipe|dataset|project|seed|kid|finished_at|params\.[a-z0-9_]+|last\.[a-z0-9_]+)$",
    ),
]
Columns = Annotated[list[ColumnName], Field(max_length=12)]
LabelFilter = Annotated[str, Field(max_length=319, pattern=r"^[^:=]+[:=]")]


class Query(BaseModel):
    """A closed set of parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PageQuery(Query):
    """The parameters of every list."""

    limit: Limit = Field(20, description="Entries per page.")
    cursor: Annotated[str, Field(max_length=1024)] | None = Field(
        None, description="`next_cursor` of the previous page; valid for the same filters and caller."
    )


class JobsQuery(PageQuery):
    """Filters of the list of jobs. Each may be repeated: any value of one filter matches; all filters must match."""

    q: Search | None = None
    state: Repeated[State] = Field(default_factory=list)
    kind: Repeated[JobKind] = Field(default_factory=list)
    recipe: Repeated[Name] = Field(default_factory=list)
    queue: Repeated[DeviceClass] = Field(default_factory=list)
    label: Repeated[LabelFilter] = Field(
        default_factory=list,
        description="`team:a` or `team=a`. Jobs that have every given key, with any of the values given for it.",
    )
    parent: Repeated[JobId] = Field(default_factory=list)
    dataset: Repeated[Name] = Field(
        default_factory=list, description="The name or id of a data set: trained on, translated or compared with."
    )
    extractor: Repeated[Sha256] = Field(
        default_factory=list, description="The sha256 of the extractor's weights with which a job was measured."
    )
    project: Repeated[Name] = Field(default_factory=list, description="The name of a project.")
    owner: Repeated[Name] = Field(
        default_factory=list, description="Of these owners' jobs, those that the caller may read."
    )
    id: Repeated[JobId] = Field(default_factory=list, description="These jobs alone.")
    starred: Switch | None = Field(None, description="Only jobs with a star, or only those without.")
    created_after: Moment | None = None
    created_before: Moment | None = None
    trashed: Switch = Field(False, description="true: the jobs in the trash, which other lists leave out.")
    sort: SortBy = Field(
        "-created_at",
        description="The order of the list; `-` for falling. Jobs without a value come last, newest first. `duration` "
        "is `ran_s`. `fd_ratio`, `kid`: 409 if jobs that match were measured with "
        "different extractors, because their figures are not comparable.",
    )


class AuditQuery(PageQuery):
    """Filters of the audit log. A repeated filter matches any of its values."""

    action: Repeated[Annotated[str, Field(max_length=64, pattern=r"^[a-z]+\.[a-z]+$")]] = Field(
        default_factory=list, description="Such as `job.cancel` or `key.create`; may be repeated."
    )
    subject: Repeated[Annotated[str, Field(max_length=64, pattern=r"^[a-z]+(_[0-9a-f-]+)?$")]] = Field(
        default_factory=list,
        description="The id of the changed thing, the name of a queue, or `jobs` for a bulk action; may be repeated.",
    )
    owner: Name | None = Field(None, description="The owner of the key that made the change.")


class CreateQuery(Query):
    """Parameters of the creation of a job."""

    dry_run: Switch = Field(False, description="Validate, place and fill in defaults; store nothing.")


class RetryQuery(Query):
    """Parameters of a retry."""

    dry_run: Switch = Field(False, description="Validate, place and fill in defaults; store nothing.")


class RetentionQuery(Query):
    """Parameters of the setting of a retention policy."""

    dry_run: Switch = Field(False, description="Tell what the policy would take away now; store nothing.")


class DeleteQuery(Query):
    """Parameters of the deletion of a job."""

    purge: Switch = Field(False, description="Delete it for good, now; it cannot be restored.")


class EventsQuery(PageQuery):
    """Parameters of a job's events."""

    after: Annotated[int, Field(ge=0, le=2**63 - 1), BeforeValidator(integer)] | None = Field(
        None, description="Continue after the event with this number (`Last-Event-ID` takes precedence)."
    )


class CurvesQuery(Query):
    """Parameters of a job's metrics."""

    names: Annotated[str, Field(max_length=1024, pattern=r"^[a-z0-9_]{1,64}(,[a-z0-9_]{1,64})*$")] | None = Field(
        None, description="At most 100 names, separated by commas; default: all."
    )
    max_points: Annotated[int, Field(ge=2, le=100_000), BeforeValidator(integer)] = Field(
        500, description="Maximum points per curve; minima and maxima are kept."
    )

    @field_validator("names")
    @classmethod
    def _few(cls, value: str | None) -> str | None:
        if value is not None and value.count(",") >= MAX_ENTRIES:
            raise ValueError(FieldFaults.too_many_entries(max_length=MAX_ENTRIES))
        return value


class LogQuery(Query):
    """Parameters of a job's log."""

    tail: Annotated[int, Field(ge=1, le=10_000), BeforeValidator(integer)] | None = Field(
        None, description="Only so many lines, the last ones."
    )
    search: Annotated[str, Field(min_length=1, max_length=255)] | None = Field(
        None, description="Only lines that contain this text, whatever its case."
    )
    attempt: Annotated[int, Field(ge=1, le=10**9), BeforeValidator(integer)] | None = Field(
        None, description="Only the log of this attempt."
    )


class ArtifactsQuery(PageQuery):
    """Parameters of a job's artifacts."""

    kind: Repeated[ArtifactKind] = Field(default_factory=list)


class UsageQuery(Query):
    """The period of a usage."""

    since: Moment | None = Field(None, alias="from", description="Its begin; default: 30 days before its end.")
    to: Moment | None = Field(None, description="Its end; default: now.")


class ContentQuery(Query):
    """Parameters of a download."""

    redirect: Switch = Field(True, description="false: the API sends the bytes instead of a redirect to a signed link.")
