"""What the answers look like. The rows' views (models/views.py) make them; these models describe them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from models.states import Action, ArtifactKind, DeviceClass, ErrorCode, EventType, Outcome, Role, State

Entry = TypeVar("Entry")


class Answer(BaseModel):
    """Something this service says."""

    model_config = ConfigDict(extra="forbid")


class Page(Answer, Generic[Entry]):
    """One page of a list."""

    data: list[Entry]
    next_cursor: str | None = Field(description="Pass it as `cursor` for the next page; null at the end.")


class Progress(Answer):
    """How far a job is."""

    epoch: int
    epochs: int | None
    step: int
    steps: int | None
    images: int
    fraction: float | None = Field(description="0 to 1.")


class Eta(Answer):
    """When a job will be done, with the bounds of the guess."""

    at: datetime
    low: datetime
    high: datetime


class Failure(Answer):
    """Why it failed: a code for programs, words for people."""

    code: ErrorCode
    detail: str | None


class Source(Answer):
    """The checkpoint that a sampling job draws from, or that a retry starts from, as it was asked."""

    job: str
    checkpoint: str


class Checkpoints(Answer):
    """What a sampling job would draw from, and what a lost job would go on from."""

    best: str | None
    latest: str | None


class Job(Answer):
    """A job, with everything filled in."""

    id: str
    kind: Literal["train", "sample"]
    recipe: str
    preset: str | None
    dataset: str | None
    params: dict[str, Any] = Field(description="Complete: preset and defaults filled in.")
    seed: int
    queue: DeviceClass
    priority: int
    name: str | None
    labels: dict[str, str]
    state: State
    pending_action: Action | None
    reason: str | None
    progress: Progress
    eta: Eta | None
    position: int | None = Field(description="Place in its queue while it waits: 1 is next.")
    attempt: int
    max_attempts: int
    max_runtime_s: int | None
    worker: str | None
    device: str | None
    checkpoints: Checkpoints = Field(description="Ids of the artifacts that `best` and `latest` mean now.")
    source: Source | None
    parent: str | None
    owner: str
    error: Failure | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    last_seq: int


class PlannedJob(Job):
    """What a dry run answers: the job as it would be were it sent now, without what only a stored one has."""

    id: None  # type: ignore[assignment]
    state: None  # type: ignore[assignment]
    created_at: None  # type: ignore[assignment]


class Event(Answer):
    """Something that happened to a job."""

    seq: int = Field(ge=1)
    job: str
    at: datetime
    attempt: int
    type: EventType
    data: dict[str, Any]


class Attempt(Answer):
    """One try at a job by one worker."""

    number: int
    worker: str
    device: str | None
    start_step: int | None
    started_at: datetime
    ended_at: datetime | None
    outcome: Outcome | None
    error: Failure | None


class Artifact(Answer):
    """Something a job has made."""

    id: str
    job: str
    kind: ArtifactKind
    name: str
    step: int | None
    epoch: int | None
    bytes: int
    sha256: str
    content_type: str
    created_at: datetime


class Curve(Answer):
    """One metric over the steps; null stands where the value was no number."""

    steps: list[int]
    values: list[float | None]


class Curves(Answer):
    """Metrics of a job by name."""

    series: dict[str, Curve]


class Dataset(Answer):
    """A data set that jobs can name."""

    id: str
    name: str
    layout: str
    source: Literal["builtin", "found", "uploaded"]
    images: int
    shape: list[int] = Field(description="Channels, height, width.")
    classes: list[str]
    class_counts: list[int] | None = Field(
        description="Images of each class, in the order of `classes`, all parts together; null where nobody counted."
    )
    parts: dict[str, int] = Field(
        description="Images of each part: `train` and `test`, or `trainA`, `trainB`, `testA`, `testB` for translation."
    )
    bytes: int
    sha256: str | None
    state: Literal["importing", "ready", "missing", "failed"]
    owner: str | None = Field(description="Whose it is; null for one that everybody may use.")
    preview: str | None = Field(description="Address of a grid of its pictures; null until it is made.")
    created_at: datetime


class ImportedDataset(Dataset):
    """A data set that was just made of an upload."""

    notes: list[str] = Field(description="What was done to the pictures, in sentences.")


class Preset(Answer):
    """A published setting of a recipe: what it changes from the defaults."""

    name: str
    description: str
    params: dict[str, Any]


class Recipe(Answer):
    """A method with its networks."""

    name: str
    title: str
    description: str
    params: dict[str, Any] = Field(description="JSON Schema of the parameters: bounds, defaults, descriptions.")
    presets: list[Preset]
    queues: list[DeviceClass] = Field(description="Device classes that can run it, best first.")
    networks: list[str]
    images: str = Field(description="The sizes of images that its networks can have, in words.")
    needs: Literal["nothing", "classes", "domains"] = Field(description="What a data set must have beside images.")
    outputs: list[str] = Field(description="What a sampling job can make of its checkpoints.")


class KeyQuotas(Answer):
    """Limits of a key; null: what the service's settings say."""

    queued: int | None
    running: int | None
    stored_bytes: int | None


class Key(Answer):
    """An access key without its secret."""

    id: str
    name: str
    owner: str
    role: Role
    quotas: KeyQuotas
    created_at: datetime


class FreshKey(Key):
    """A key just made."""

    key: str = Field(description="The secret, shown this once.")


class AuditEntry(Answer):
    """What somebody did."""

    id: int
    at: datetime
    owner: str
    key: str | None = Field(description="Id of the key it was done with.")
    action: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class BulkProblem(Answer):
    """Why one of many jobs was left as it is."""

    job: str
    detail: str


class BulkAnswer(Answer):
    """What came of an order to many jobs."""

    matched: int
    changed: int
    unchanged: int = Field(description="They were so already, had ended meanwhile, or are among the problems.")
    problems: list[BulkProblem] = Field(description="The first ten.")


class Queue(Answer):
    """A queue is a device class and a switch."""

    name: DeviceClass
    depth: int = Field(description="Jobs that wait.")
    running: int
    oldest_wait_s: float | None
    workers: int = Field(description="Live ones.")
    paused: bool


class Worker(Answer):
    """A supervisor, pinned to one device."""

    id: str
    name: str
    queue: DeviceClass
    device: dict[str, Any]
    host: str
    state: Literal["live", "draining", "lost", "stopped"]
    job: str | None
    started_at: datetime
    last_seen: datetime


class Health(Answer):
    """It is there."""

    status: Literal["ok"]


class Readiness(Answer):
    """Everything behind it answers."""

    status: Literal["ready"]
    checks: dict[Literal["database", "broker", "object_store"], str]


class FieldError(Answer):
    """What is wrong at one place of the request."""

    model_config = ConfigDict(extra="allow")
    pointer: str = Field(description="JSON pointer into the body, or /query/NAME or /header/NAME.")
    detail: str


class Problem(Answer):
    """An error (RFC 9457)."""

    model_config = ConfigDict(extra="allow")
    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str | None
    errors: list[FieldError] = Field(default_factory=list)
