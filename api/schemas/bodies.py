"""Request bodies other than job specs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, RootModel, field_validator
from pydantic_core import CoreSchema

from api.schemas.queries import Columns, Entry, JobId, LabelFilter, Moment, Name, Repeated, Search, Sha256, SortBy
from models.jobs import JobRequest, Labels, Notes, Priority, Project, Text
from models.limits import LONGEST_SHARE_S, MAX_ENTRIES, USUAL_SHARE_S
from models.messages import FieldFaults
from models.plain_text import PLAIN, PLAIN_SCHEMA
from models.specs.base import Spec
from models.states import DeviceClass, JobKind, Role, State

Word = Annotated[str, Field(min_length=1, max_length=255, json_schema_extra=PLAIN_SCHEMA), PLAIN]

MAX_BULK_JOBS = 100_000


class NewJobBody(RootModel[JobRequest]):
    """A training, a sampling job or an evaluation; `kind` tells which."""


class NoBody(Spec):
    """An empty object, which may be left out."""


class JobChanges(Spec):
    """Changes to a job. Omitted fields stay unchanged."""

    priority: Priority = Field(0, description="Higher runs first; it matters while the job waits.")
    labels: Labels = Field(default_factory=dict, description="Replaces all labels.")
    name: Text | None = Field(None, description="null removes the name.")
    notes: Notes | None = Field(None, description="Markdown, shown without its HTML; null removes the notes.")
    project: Project | None = Field(None, description="The project that it belongs to; null: none.")
    starred: bool = Field(False, description="Whether it has a star.")
    order: Literal["first", "last"] = Field(
        "last", description="The position among its owner's waiting jobs of the same queue and priority."
    )


class NewShare(Spec):
    """A new link that shows a job."""

    expires_in_s: Annotated[int, Field(ge=1, le=LONGEST_SHARE_S)] = Field(
        USUAL_SHARE_S, description="Seconds until the link ends; at most 90 days."
    )


class Retry(Spec):
    """Changes for the retry."""

    params: dict[str, Any] = Field(
        default_factory=dict, max_length=MAX_ENTRIES, description="Changed parameters; the others stay."
    )
    checkpoint: Annotated[str, Field(max_length=255)] | None = Field(
        None, description="The checkpoint to start from: `latest`, `best` or an id; if not set: from scratch."
    )


class OneOrMany:
    """Marks a list that may be given as its single entry; the OpenAPI document then shows both."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        many = handler(core)
        return {"anyOf": [many["items"], many]}


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Several = Annotated[Repeated[Entry], BeforeValidator(_as_list), OneOrMany()]


class BulkFilter(Spec):
    """The filters of `GET /v1/jobs`, each a text or a list. An empty filter means all of the caller's jobs."""

    q: Search | None = None
    state: Several[Annotated[State, Field(strict=False)]] = Field(default_factory=list)
    kind: Several[Annotated[JobKind, Field(strict=False)]] = Field(default_factory=list)
    recipe: Several[Name] = Field(default_factory=list)
    queue: Several[Annotated[DeviceClass, Field(strict=False)]] = Field(default_factory=list)
    label: Several[LabelFilter] = Field(default_factory=list)
    parent: Several[JobId] = Field(default_factory=list)
    dataset: Several[Name] = Field(default_factory=list)
    extractor: Several[Sha256] = Field(default_factory=list)
    project: Several[Name] = Field(default_factory=list)
    owner: Several[Name] = Field(default_factory=list)
    id: Several[JobId] = Field(default_factory=list)
    starred: bool | None = None
    created_after: Moment | None = None
    created_before: Moment | None = None
    trashed: bool | None = Field(
        None, description="If not set: the jobs in the trash for `restore` and `purge`, the others for other actions."
    )


class BulkOrder(Spec):
    """One action for many jobs."""

    action: Literal["cancel", "pause", "resume", "retry", "reprioritize", "delete", "restore", "purge"]
    priority: Priority | None = Field(None, description="The new priority; only for `reprioritize`.")
    filter: BulkFilter
    expected: Annotated[int, Field(ge=0, le=MAX_BULK_JOBS)] = Field(description="The number of jobs that should match.")


class NewView(Spec):
    """A list of jobs to keep under a name."""

    name: Project = Field(description="Unique among the owner's views.")
    filter: BulkFilter = Field(default_factory=BulkFilter)
    sort: SortBy = "-created_at"
    columns: Columns = Field(
        default_factory=list,
        description="Further columns of the page: `kind`, `recipe`, `dataset`, `project`, `seed`, `kid`, "
        "`finished_at`, `params.NAME`, `last.METRIC`.",
    )


_Days = Annotated[int, Field(ge=0, le=3650)]
_TrashDays = Annotated[int, Field(ge=1, le=3650)]


class NewRetentionPolicy(Spec):
    """What is kept of the ended jobs of a project, at least one rule. Days count from the end of a job."""

    project: Project
    owner: Word | None = Field(None, description="Whose project; default: the caller's. Another's: admins only.")
    keep_checkpoints: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        None, description="How many of the newest checkpoints stay, beside the best; default: 1."
    )
    checkpoints_after_days: _Days | None = Field(None, description="Days after which the other checkpoints go.")
    grids_after_days: _Days | None = Field(None, description="Days after which all grids but the newest go.")
    failed_after_days: _TrashDays | None = Field(
        None, description="Days after which jobs that failed or were canceled move to the trash."
    )
    ended_after_days: _TrashDays | None = Field(None, description="Days after which any ended job moves to the trash.")


class QuotasBody(Spec):
    """Quotas of the owner through this key. If not set: the service's settings."""

    queued: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = Field(None, description="Maximum of waiting jobs.")
    running: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = Field(
        None, description="Maximum of running jobs. The highest of an owner's keys counts."
    )
    stored_bytes: Annotated[int, Field(ge=0, le=2**63 - 1)] | None = Field(
        None, description="Maximum bytes of uploaded data sets and artifacts; beyond it no upload is accepted."
    )


class NewKey(Spec):
    """A new key."""

    name: Word = Field(description="The key's purpose.")
    owner: Word | None = Field(
        None,
        description="The owner whose jobs and data sets it can access. Default: an admin's new key has its name, "
        "others have their maker's owner.",
    )
    role: Annotated[Role, Field(strict=False)] = Field(Role.user, description="What the key may do.")

    quotas: QuotasBody = Field(default_factory=QuotasBody)

    @field_validator("name", "owner")
    @classmethod
    def _visible(cls, value: str | None) -> str | None:
        if value is not None and not value.strip():
            raise ValueError(FieldFaults.must_not_be_blank())
        return value
