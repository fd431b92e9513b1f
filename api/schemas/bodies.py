"""Bodies that are not specs of jobs."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, RootModel, field_validator
from pydantic_core import CoreSchema

from api.schemas.queries import JobId, LabelFilter, Moment, Name
from models.jobs import JobRequest, Labels, Priority, Text
from models.messages import FieldFaults
from models.specs.base import Spec
from models.states import DeviceClass, Role, State

Word = Annotated[str, Field(min_length=1, max_length=255)]

MAX_BULK_JOBS = 100_000


class NewJobBody(RootModel[JobRequest]):
    """A training or a sampling job; `kind` tells which."""


class NoBody(Spec):
    """An empty object, which may be left out."""


class JobChanges(Spec):
    """What may be changed of a job. What is left out stays."""

    priority: Priority = Field(0, description="Higher first; matters while the job waits.")
    labels: Labels = Field(default_factory=dict, description="Replaces all labels.")
    name: Text | None = Field(None, description="null takes the name away.")
    order: Literal["first", "last"] = Field(
        "last", description="The place among its owner's jobs that wait in its queue with its priority."
    )


class Retry(Spec):
    """What to do otherwise this time."""

    params: dict[str, Any] = Field(default_factory=dict, description="Changes to the parameters; the others stay.")
    checkpoint: Annotated[str, Field(max_length=255)] | None = Field(
        None, description="`latest`, `best` or the id of a checkpoint of the job, to start from; null: from zero."
    )


class OneOrMany:
    """Marks a list that may be given as its only entry; the document then shows both."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        many = handler(core)
        return {"anyOf": [many["items"], many]}


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Entry = TypeVar("Entry")
Several = Annotated[list[Entry], BeforeValidator(_as_list), OneOrMany()]


class BulkFilter(Spec):
    """The filters of `GET /v1/jobs`; each a text or a list of them. An empty one means all of the caller's jobs."""

    state: Several[Annotated[State, Field(strict=False)]] = Field(default_factory=list)
    kind: Several[Literal["train", "sample"]] = Field(default_factory=list)
    recipe: Several[Name] = Field(default_factory=list)
    queue: Several[Annotated[DeviceClass, Field(strict=False)]] = Field(default_factory=list)
    label: Several[LabelFilter] = Field(default_factory=list)
    parent: Several[JobId] = Field(default_factory=list)
    created_after: Moment | None = None
    created_before: Moment | None = None


class BulkOrder(Spec):
    """The same to many jobs."""

    action: Literal["cancel", "pause", "resume", "retry", "reprioritize"]
    priority: Priority | None = Field(None, description="The new one; for `reprioritize` alone.")
    filter: BulkFilter
    expected: Annotated[int, Field(ge=0, le=MAX_BULK_JOBS)] = Field(description="How many jobs you mean.")


class QuotasBody(Spec):
    """How much the owner may have through this key; null: what the service's settings say."""

    queued: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = Field(None, description="Jobs that wait.")
    running: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = Field(
        None, description="Jobs that run at once. The highest of an owner's keys counts."
    )
    stored_bytes: Annotated[int, Field(ge=0, le=2**63 - 1)] | None = Field(
        None, description="Bytes of uploaded data sets and artifacts, beyond which no data set is taken."
    )


class NewKey(Spec):
    """A key to be made."""

    name: Word = Field(description="What the key is for.")
    owner: Word | None = Field(None, description="Whose things it opens; default: the name.")
    role: Annotated[Role, Field(strict=False)] = Field(Role.user, description="What it may do with them.")

    quotas: QuotasBody = Field(default_factory=QuotasBody)

    @field_validator("name", "owner")
    @classmethod
    def _visible(cls, value: str | None) -> str | None:
        if value is not None and not value.strip():
            raise ValueError(FieldFaults.must_not_be_blank())
        return value
