"""The life of a job: its states, what may follow what, and why a job or an attempt ended.

queued  -> running -> succeeded | failed | canceled
queued  -> canceled                 asked for before any worker took it
queued  -> failed                   attempts used up, or the job that it waits for failed or was canceled
queued  -> paused -> queued         nothing to checkpoint yet
running -> paused -> queued         checkpoint, give the device back; any worker goes on from it
running -> queued                   lease lost or worker shut down: a new attempt of the same job
paused  -> canceled
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class State(StrEnum):
    """Where a job is. Terminal states are never left; a retry is a new job that names its parent."""

    queued = "queued"
    running = "running"
    paused = "paused"
    succeeded = "succeeded"
    failed = "failed"
    canceled = "canceled"


# The reason of a queued job whose queue nobody serves now.
NO_LIVE_WORKER = "no_live_worker"

TERMINAL = frozenset({State.succeeded, State.failed, State.canceled})

TRANSITIONS: dict[State, frozenset[State]] = {
    State.queued: frozenset({State.running, State.canceled, State.failed, State.paused}),
    State.running: frozenset({State.succeeded, State.failed, State.canceled, State.paused, State.queued}),
    State.paused: frozenset({State.queued, State.canceled}),
    State.succeeded: frozenset(),
    State.failed: frozenset(),
    State.canceled: frozenset(),
}


class Action(StrEnum):
    """What somebody asked of a running job; a flag beside the state until the supervisor has done it."""

    cancel = "cancel"
    pause = "pause"


class Outcome(StrEnum):
    """How an attempt ended. Only `lost`, `crashed` and `stalled` count against `max_attempts`."""

    succeeded = "succeeded"
    failed = "failed"
    canceled = "canceled"
    paused = "paused"
    interrupted = "interrupted"  # the worker was shut down and gave the job back
    lost = "lost"  # the lease ran out: nobody heard of the worker again
    crashed = "crashed"  # the trainer was killed by a signal
    stalled = "stalled"  # the trainer made no progress, and its supervisor killed it


class ErrorCode(StrEnum):
    """Why a job failed, for programs. The words for people stand beside it."""

    invalid_dataset = "invalid_dataset"
    out_of_memory = "out_of_memory"
    diverged = "diverged"
    checkpoint_corrupt = "checkpoint_corrupt"
    extractor_failed = "extractor_failed"
    worker_lost = "worker_lost"
    too_many_attempts = "too_many_attempts"
    stalled = "stalled"
    max_runtime = "max_runtime"
    internal = "internal"


class Role(StrEnum):
    """What a key may do."""

    admin = "admin"  # everything
    user = "user"  # the owner's jobs, data sets and artifacts
    viewer = "viewer"  # reads what the owner may read, changes nothing


class DeviceClass(StrEnum):
    """The queues: one for each kind of device that a worker is pinned to."""

    gpu = "gpu"
    jetson = "jetson"
    cpu = "cpu"


class JobKind(StrEnum):
    """What a job does."""

    train = "train"
    sample = "sample"
    evaluate = "evaluate"


class ArtifactKind(StrEnum):
    """What a stored object is. Grids and plots are PNG, weights and checkpoints safetensors."""

    checkpoint = "checkpoint"
    weights = "weights"
    grid = "grid"
    real_grid = "real_grid"
    samples = "samples"
    loss_plot = "loss_plot"
    figure = "figure"  # of an evaluation
    summary = "summary"
    report = "report"
    log = "log"


class EventType(StrEnum):
    """What an event tells. Artifacts other than grids and checkpoints share one type."""

    state = "state"
    metric = "metric"
    epoch = "epoch"
    grid = "grid"
    checkpoint = "checkpoint"
    artifact = "artifact"
    log = "log"
    alert = "alert"


class EventKind(NamedTuple):
    """What an event of one type tells: the fields of its data, and when it comes."""

    data: tuple[str, ...]
    words: str


_ARTIFACT = ("step", "epoch", "artifact")

# The fields that every event of a type has. Beside them an epoch has the mean of every metric, an alert its
# numbers, and what has a code its text.
EVENTS = {
    EventType.state: EventKind(("from", "to", "reason"), "the job changed its state"),
    EventType.metric: EventKind(("epoch", "steps", "values"), "metrics of some steps, at most four times a second"),
    EventType.epoch: EventKind(
        ("epoch", "step", "images", "seconds", "images_per_second", "device"),
        "an epoch ended; the mean of every metric stands beside",
    ),
    EventType.grid: EventKind(_ARTIFACT, "a grid of images was stored"),
    EventType.checkpoint: EventKind(_ARTIFACT, "a checkpoint was stored"),
    EventType.artifact: EventKind(_ARTIFACT, "any other file was stored"),
    EventType.log: EventKind(("level", "message"), "a line for whoever watches"),
    EventType.alert: EventKind(("code", "detail"), "something is wrong with the training; its numbers stand beside"),
}
