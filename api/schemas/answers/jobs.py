"""A job, and what is told, measured and made of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from api.schemas.answers.base import Answer
from models.states import Action, ArtifactKind, DeviceClass, ErrorCode, EventType, Outcome, State


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
