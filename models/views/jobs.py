"""A job, and what is told, measured and made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from models.states import Action, ArtifactKind, DeviceClass, ErrorCode, EventType, JobKind, Outcome, State
from models.views.base import Moment, closed, view


@closed
class Progress(TypedDict):
    """How far a job is."""

    epoch: int
    epochs: int | None
    step: int
    steps: int | None
    images: int
    fraction: Annotated[float | None, Field(description="0 to 1.")]


@closed
class Eta(TypedDict):
    """When a job will be done, with the bounds of the guess."""

    at: Moment
    low: Moment
    high: Moment


@closed
class CodedText(TypedDict):
    """A text by the code of its template and what is filled in, for who shows it in another language."""

    code: str
    params: dict[str, Any]


@closed
class Failure(TypedDict):
    """Why it failed: a code for programs, words for people."""

    code: ErrorCode
    detail: str | None
    text: Annotated[CodedText | None, Field(description="The detail by code and parameters.")]


@closed
class Source(TypedDict):
    """The checkpoint that a sampling job draws from, or that a retry starts from, as it was asked."""

    job: str
    checkpoint: str


@closed
class DatasetSource(TypedDict):
    """The data set whose images an evaluation judges, as it was asked."""

    dataset: str


@closed
class Extractor(TypedDict):
    """The network whose features were compared. Figures of different networks are not comparable."""

    name: str
    sha256: Annotated[str, Field(description="Of its weights.")]
    accuracy: Annotated[float | None, Field(description="On the test images, where it is a classifier.")]


@closed
class Fidelity(TypedDict):
    """Whether the images look real."""

    fd: float
    fd_reference: float
    fd_ratio: float
    kid: float
    kid_std: float
    precision: float
    density: float


@closed
class Diversity(TypedDict):
    """Whether all kinds of images are there."""

    recall: float
    coverage: float
    coverage_reference: float
    class_histogram: list[float] | None
    kl: float | None
    classes_missing: list[str] | None


@closed
class Copying(TypedDict):
    """Whether the images are new."""

    auth_pct: float
    c_t: float | None
    duplicates: float
    duplicates_reference: float


@closed
class Evaluation(TypedDict):
    """What an evaluation found, each group with its reference on held-out real images."""

    verdicts: Annotated[list[str], Field(description="What is wrong: low_fidelity, modes_lost, copying; empty: none.")]
    summary: Annotated[str, Field(description="One sentence.")]
    summary_text: Annotated[CodedText, Field(description="The summary by code and parameters.")]
    count: Annotated[int, Field(description="Images that were judged.")]
    extractor: Extractor
    fidelity: Fidelity
    diversity: Diversity
    copying: Copying


@closed
class Checkpoints(TypedDict):
    """What a sampling job would draw from, and what a lost job would go on from."""

    best: str | None
    latest: str | None


@closed
class Job(TypedDict):
    """A job, with everything filled in."""

    id: str
    kind: JobKind
    recipe: Annotated[str, Field(description="Of an evaluation of a data set: `darknet`, the recipe of the judge.")]
    preset: str | None
    dataset: str | None
    params: Annotated[dict[str, Any], Field(description="Complete: preset and defaults filled in.")]
    seed: int
    queue: DeviceClass
    queue_asked: Annotated[bool, Field(description="Whether the request named the queue; false: `auto` chose it.")]
    priority: int
    name: str | None
    labels: dict[str, str]
    project: str | None
    starred: bool
    notes: Annotated[str | None, Field(description="Markdown.")]
    state: State
    pending_action: Action | None
    reason: str | None
    reason_text: Annotated[CodedText | None, Field(description="The reason by code and parameters.")]
    progress: Progress
    last_metrics: Annotated[
        dict[str, float | None], Field(description="The newest value of each metric; null stands for no number.")
    ]
    eta: Eta | None
    position: Annotated[
        int | None, Field(description="Place in its queue while it waits: 1 is next, above 100 an estimate.")
    ]
    attempt: int
    max_attempts: int
    max_runtime_s: int | None
    worker: str | None
    device: str | None
    checkpoints: Annotated[Checkpoints, Field(description="Ids of the artifacts that `best` and `latest` mean now.")]
    source: Source | DatasetSource | None
    parent: str | None
    waits_for: Annotated[
        str | None,
        Field(description="The job that makes the extractor of its data set: this one starts when that one has ended."),
    ]
    owner: str
    error: Failure | None
    result: Annotated[Evaluation | None, Field(description="Of an evaluation that has succeeded.")]
    fd_ratio: Annotated[
        float | None,
        Field(description="Of an evaluation, or of a training's checkpoint `best`. 1 is as good as real images."),
    ]
    kid: float | None
    extractor: Annotated[
        str | None, Field(description="The sha256 of the extractor's weights; other extractors give other figures.")
    ]
    created_at: Moment
    started_at: Moment | None
    finished_at: Moment | None
    ran_s: Annotated[
        float | None,
        Field(description="Seconds that its ended attempts took together, without what it waited or was paused."),
    ]
    trashed_at: Annotated[Moment | None, Field(description="When it was moved to the trash; null: it is not there.")]
    last_seq: int


@closed
class Event(TypedDict):
    """Something that happened to a job."""

    seq: Annotated[int, Field(ge=1)]
    job: str
    at: Moment
    attempt: int
    type: EventType
    data: dict[str, Any]


@closed
class Attempt(TypedDict):
    """One try at a job by one worker."""

    number: int
    worker: str
    device: str | None
    start_step: int | None
    started_at: Moment
    ended_at: Moment | None
    outcome: Outcome | None
    error: Failure | None
    device_s: Annotated[float | None, Field(description="Seconds for which it held its device; null while it runs.")]
    energy_wh: Annotated[float | None, Field(description="Watt-hours that were measured; null without a sensor.")]


@closed
class Artifact(TypedDict):
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
    created_at: Moment


@closed
class Curve(TypedDict):
    """One metric over the steps; null stands where the value was no number."""

    steps: list[int]
    values: list[float | None]


@closed
class BulkProblem(TypedDict):
    """Why one of many jobs was left as it is."""

    job: str
    detail: str


@closed
class BulkAnswer(TypedDict):
    """What came of an order to many jobs."""

    matched: int
    changed: int
    unchanged: Annotated[
        int, Field(description="They were so already, had ended meanwhile, or are among the problems.")
    ]
    problems: Annotated[list[BulkProblem], Field(description="The first ten.")]


NOT_BEGUN = Progress(epoch=0, epochs=None, step=0, steps=None, images=0, fraction=0.0)


def job_view(row: Mapping[Any, Any], position: int | None = None, eta: Eta | None = None) -> Job:
    """Return a job. A waiting one has its place in the queue and perhaps an ETA, which are no columns of its row."""
    # Only trainings have steps to count: other jobs are done when they have succeeded.
    done = {"fraction": 1.0} if row["kind"] != JobKind.train and row["state"] == State.succeeded else {}
    return view(
        Job,
        row,
        progress={**NOT_BEGUN, **row["progress"], **done},
        eta=row["eta"] if row["state"] == State.running else eta,
        position=position,
        worker=row["worker_id"],
        checkpoints={"best": row["best_checkpoint"] or row["latest_checkpoint"], "latest": row["latest_checkpoint"]},
        error=_failure(row),
        ran_s=None if row["ran"] is None else row["ran"].total_seconds(),
    )


def event_view(row: Mapping[Any, Any]) -> Event:
    """Return an event as pages and streams show it."""
    return view(Event, row, job=row["job_id"])


def artifact_view(row: Mapping[Any, Any]) -> Artifact:
    """Return an artifact as lists and events show it; the object's key stays inside."""
    return view(Artifact, row, job=row["job_id"])


def attempt_view(row: Mapping[Any, Any]) -> Attempt:
    """Return one attempt at a job."""
    ended = row["ended_at"]
    held = None if ended is None else (ended - row["started_at"]).total_seconds()
    return view(Attempt, row, worker=row["worker_id"], error=_failure(row), device_s=held)


def _failure(row: Mapping[Any, Any]) -> Failure | None:
    if row["error_code"] is None:
        return None
    return Failure(code=row["error_code"], detail=row["error_detail"], text=row["error_text"])
