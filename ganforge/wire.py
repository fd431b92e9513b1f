"""The shapes that the service answers with. The contract may gain fields; these are the ones a client relies on."""

from __future__ import annotations

from typing import Any, TypedDict


class Progress(TypedDict):
    """How far a job is; `fraction` is 0 to 1, `step` counts generator iterations, `images` real images seen."""

    epoch: int
    epochs: int | None
    step: int
    steps: int | None
    images: int
    fraction: float | None


class Eta(TypedDict):
    """When a job will be done, with a range; RFC 3339 times."""

    at: str
    low: str
    high: str


class JobError(TypedDict):
    """Why a job failed."""

    code: str
    detail: str


class Job(TypedDict):
    """A job as every read of it answers."""

    id: str
    kind: str
    recipe: str
    preset: str | None
    dataset: str | None
    params: dict[str, Any]
    seed: int
    queue: str
    priority: int
    name: str | None
    labels: dict[str, str]
    state: str
    pending_action: str | None
    reason: str | None
    progress: Progress
    eta: Eta | None
    position: int | None
    attempt: int
    max_attempts: int
    max_runtime_s: int | None
    worker: str | None
    device: str | None
    source: dict[str, Any] | None
    parent: str | None
    owner: str
    error: JobError | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    last_seq: int


class Event(TypedDict):
    """One event of a job; `seq` is 1, 2, 3 … without a gap, `data` depends on `type`."""

    seq: int
    job: str
    at: str
    attempt: int
    type: str
    data: dict[str, Any]


class Artifact(TypedDict):
    """What a job made: bytes in the object store, and what is known of them."""

    id: str
    job: str
    kind: str
    name: str
    step: int | None
    epoch: int | None
    bytes: int
    sha256: str
    content_type: str
    created_at: str


class Dataset(TypedDict):
    """A data set that jobs can name; `shape` is channels, height, width."""

    id: str
    name: str
    layout: str
    images: int
    shape: list[int]
    classes: list[str]
    class_counts: list[int] | None
    parts: dict[str, int]
    bytes: int
    sha256: str | None
    state: str
    source: str
    owner: str | None
    preview: str | None
    created_at: str


class ImportedDataset(Dataset):
    """A data set that was just made; `notes` tell what was done to its pictures."""

    notes: list[str]


class Key(TypedDict, total=False):
    """An access key; `key`, the secret itself, is in the answer to its making alone."""

    id: str
    name: str
    owner: str
    role: str
    quotas: dict[str, int | None]
    created_at: str
    key: str


class Queue(TypedDict):
    """A queue and who serves it."""

    name: str
    depth: int
    running: int
    oldest_wait_s: float | None
    workers: int
    paused: bool


class Worker(TypedDict):
    """A supervisor, pinned to one device."""

    id: str
    name: str
    queue: str
    device: dict[str, Any]
    host: str
    state: str
    job: str | None
    started_at: str
    last_seen: str


class AuditEntry(TypedDict):
    """What somebody did, with which key, and what was before and after."""

    id: int
    at: str
    owner: str
    key: str | None
    action: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class BulkResult(TypedDict):
    """What came of an order to many jobs."""

    matched: int
    changed: int
    unchanged: int
    problems: list[dict[str, str]]


class Recipe(TypedDict, total=False):
    """A recipe with the JSON Schema of its parameters (`params`), its presets, and the queues that can run it."""

    name: str
    title: str
    description: str
    params: dict[str, Any]
    presets: list[dict[str, Any]]
    queues: list[str]
    networks: list[str]
    images: str
    needs: str
    outputs: list[str]


class Series(TypedDict):
    """One metric over steps."""

    steps: list[int]
    values: list[float | None]


FINAL_STATES = frozenset({"succeeded", "failed", "canceled"})
