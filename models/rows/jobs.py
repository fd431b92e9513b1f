"""Jobs and their attempts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.rows.base import Base, JsonObject, one_of
from models.states import Action, ErrorCode, JobKind, Outcome, State

# What words of a search are looked for in. A job's texts never change with its state, so its many updates leave the
# index alone.
SEARCHED = "(((coalesce(name, '') || chr(10)) || coalesce(notes, '')) || chr(10)) || labels::text"


class Job(Base):
    """A job of any kind: what was asked for, its state, and who may write it (`fence`)."""

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint(one_of("kind", JobKind), name="kind"),
        CheckConstraint(one_of("state", State), name="state"),
        CheckConstraint(one_of("pending_action", Action, null=True), name="pending_action"),
        CheckConstraint(one_of("error_code", ErrorCode, null=True), name="error_code"),
        CheckConstraint("pending_action IS NULL OR state = 'running'", name="pending_only_while_running"),
        CheckConstraint(
            "(state = 'running') = (lease_until IS NOT NULL AND worker_id IS NOT NULL)", name="lease_while_running"
        ),
        CheckConstraint(
            "(state IN ('succeeded', 'failed', 'canceled')) = (finished_at IS NOT NULL)", name="finished_when_terminal"
        ),
        CheckConstraint("(state = 'failed') = (error_code IS NOT NULL)", name="error_when_failed"),
        CheckConstraint("seed >= 0", name="seed"),
        CheckConstraint("priority BETWEEN -100 AND 100", name="priority"),
        CheckConstraint("attempt >= 0 AND interruptions BETWEEN 0 AND attempt", name="attempt"),
        CheckConstraint("attempt - interruptions <= max_attempts", name="attempts_capped"),
        CheckConstraint("max_attempts BETWEEN 1 AND 100", name="max_attempts"),
        CheckConstraint("kind <> 'train' OR dataset_id IS NOT NULL", name="dataset_of_training"),
        CheckConstraint("trashed_at IS NULL OR finished_at IS NOT NULL", name="trashed_when_terminal"),
        CheckConstraint("purged_at IS NULL OR trashed_at IS NOT NULL", name="purged_from_trash"),
        # The claim leaps along it from priority to priority and owner to owner (stores/schedule/fair_share.py).
        Index(
            "ix_jobs_share",
            "queue",
            "priority",
            "owner",
            "ordered_at",
            "id",
            postgresql_where=text("state = 'queued'"),
        ),
        # How many jobs of an owner run, and when a job of the owner was last started.
        Index("ix_jobs_running", "owner", "queue", postgresql_where=text("state = 'running'")),
        Index("ix_jobs_served", "queue", "owner", "started_at", postgresql_where=text("started_at IS NOT NULL")),
        Index("ix_jobs_lease", "lease_until", postgresql_where=text("state = 'running'")),
        Index("ix_jobs_owner_created", "owner", "created_at", "id"),
        # An owner's waiting jobs are counted for a quota.
        Index("ix_jobs_owner_queued", "owner", postgresql_where=text("state = 'queued'")),
        Index("ix_jobs_created", "created_at", "id"),
        # For lists of one state, which may be rare, and for counting those of a state without reading them.
        Index("ix_jobs_state", "state", "created_at", "id", postgresql_where=text("trashed_at IS NULL")),
        Index("ix_jobs_owner_state", "owner", "state", "created_at", "id", postgresql_where=text("trashed_at IS NULL")),
        Index("ix_jobs_parent", "parent", postgresql_where=text("parent IS NOT NULL")),
        Index("ix_jobs_waits_for", "waits_for", postgresql_where=text("waits_for IS NOT NULL")),
        Index("ix_jobs_source_artifact", "source_artifact", postgresql_where=text("source_artifact IS NOT NULL")),
        # The samples of a training job, for its page.
        Index(
            "ix_jobs_drawn_from",
            text("(source ->> 'job')"),
            "created_at",
            "id",
            postgresql_where=text("kind = 'sample'"),
        ),
        # The evaluations of a training job, for its page, and those against a data set, for its ranking.
        Index(
            "ix_jobs_evaluated",
            text("(source ->> 'job')"),
            "created_at",
            "id",
            postgresql_where=text("kind = 'evaluate'"),
        ),
        Index("ix_jobs_compared_with", "dataset_id", "id", postgresql_where=text("kind = 'evaluate'")),
        # Deleting a checkpoint looks for jobs that refer to it.
        Index("ix_jobs_latest_checkpoint", "latest_checkpoint", postgresql_where=text("latest_checkpoint IS NOT NULL")),
        Index("ix_jobs_best_checkpoint", "best_checkpoint", postgresql_where=text("best_checkpoint IS NOT NULL")),
        Index("ix_jobs_dataset", "dataset_id"),
        Index("ix_jobs_source_dataset", "source_dataset", postgresql_where=text("source_dataset IS NOT NULL")),
        # Lists in the order of a figure, which is comparable within one extractor.
        Index("ix_jobs_fd_ratio", "extractor", "fd_ratio", "id", postgresql_where=text("fd_ratio IS NOT NULL")),
        Index(
            "ix_jobs_owner_fd_ratio",
            "owner",
            "extractor",
            "fd_ratio",
            "id",
            postgresql_where=text("fd_ratio IS NOT NULL"),
        ),
        Index("ix_jobs_kid", "extractor", "kid", "id", postgresql_where=text("kid IS NOT NULL")),
        Index("ix_jobs_owner_kid", "owner", "extractor", "kid", "id", postgresql_where=text("kid IS NOT NULL")),
        # Words of a search, anywhere in these texts (stores/jobs/query/conditions.py), and the end of an id.
        Index(
            "ix_jobs_texts",
            text(f"({SEARCHED})"),
            postgresql_using="gin",
            postgresql_ops={f"({SEARCHED})": "gin_trgm_ops"},
        ),
        Index("ix_jobs_id_from_its_end", text("reverse(id)"), postgresql_ops={"reverse(id)": "text_pattern_ops"}),
        Index("ix_jobs_project", "project", "created_at", "id", postgresql_where=text("project IS NOT NULL")),
        Index(
            "ix_jobs_owner_project",
            "owner",
            "project",
            "created_at",
            "id",
            postgresql_where=text("project IS NOT NULL"),
        ),
        Index("ix_jobs_starred", "owner", "created_at", "id", postgresql_where=text("starred")),
        # Lists in other orders than that of creation, all jobs or an owner's.
        Index("ix_jobs_owner_finished", "owner", "finished_at", "id", postgresql_where=text("finished_at IS NOT NULL")),
        Index("ix_jobs_name", text("lower(name)"), "id", postgresql_where=text("name IS NOT NULL")),
        Index("ix_jobs_owner_name", "owner", text("lower(name)"), "id", postgresql_where=text("name IS NOT NULL")),
        Index("ix_jobs_priority", "priority", "id"),
        Index("ix_jobs_owner_priority", "owner", "priority", "id"),
        Index("ix_jobs_ran", "ran", "id", postgresql_where=text("ran IS NOT NULL")),
        Index("ix_jobs_owner_ran", "owner", "ran", "id", postgresql_where=text("ran IS NOT NULL")),
        # Retention walks old jobs in the order of their end.
        Index("ix_jobs_finished", "finished_at", "id", postgresql_where=text("finished_at IS NOT NULL")),
        Index("ix_jobs_failed", "finished_at", "id", postgresql_where=text("state = 'failed'")),
        # The trash is listed, emptied when its time has come, and purged.
        Index("ix_jobs_trashed", "trashed_at", "id", postgresql_where=text("trashed_at IS NOT NULL")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    kind: Mapped[str]
    recipe: Mapped[str]
    preset: Mapped[str | None]
    dataset_id: Mapped[str | None] = mapped_column(ForeignKey("datasets.id"))
    dataset: Mapped[str | None]  # the name or id that was asked for
    source_dataset: Mapped[str | None] = mapped_column(ForeignKey("datasets.id"))  # the images that are judged
    params: Mapped[JsonObject]
    seed: Mapped[int] = mapped_column(BigInteger)
    queue: Mapped[str] = mapped_column(ForeignKey("queues.name"))
    queue_asked: Mapped[bool] = mapped_column(server_default=text("false"))  # whether it was named; else auto chose it
    priority: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    name: Mapped[str | None]
    labels: Mapped[JsonObject] = mapped_column(server_default=text("'{}'::jsonb"))
    notes: Mapped[str | None]  # Markdown
    project: Mapped[str | None]
    starred: Mapped[bool] = mapped_column(server_default=text("false"))
    max_attempts: Mapped[int] = mapped_column(SmallInteger)
    max_runtime_s: Mapped[int | None] = mapped_column(Integer)
    source: Mapped[JsonObject | None]  # {"job", "checkpoint"} as asked for; evaluations also {"dataset"}
    source_artifact: Mapped[str | None] = mapped_column(ForeignKey("artifacts.id", use_alter=True, ondelete="SET NULL"))
    parent: Mapped[str | None] = mapped_column(ForeignKey("jobs.id"))
    # The job that makes the extractor of its data set: it is claimed when that one has ended.
    waits_for: Mapped[str | None] = mapped_column(ForeignKey("jobs.id"))
    # What it is expected to cost: null where nothing is known (stores/schedule: memory_stats.py, speed_stats.py).
    needs_bytes: Mapped[int | None] = mapped_column(BigInteger)
    # Whether its checkpoints were begun in bfloat16 and go on only where a processor has units for it.
    needs_units: Mapped[bool] = mapped_column(server_default=text("false"))
    shape: Mapped[str | None]
    images: Mapped[int | None] = mapped_column(BigInteger)  # real images that training will show

    state: Mapped[str]
    pending_action: Mapped[str | None]
    reason: Mapped[str | None]
    reason_text: Mapped[JsonObject | None]  # its code and parameters (models/messages)
    attempt: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    interruptions: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    fence: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    lease_until: Mapped[datetime | None]
    run_after: Mapped[datetime] = mapped_column(server_default=func.now())
    worker_id: Mapped[str | None] = mapped_column(ForeignKey("workers.id"))
    device: Mapped[str | None]
    progress: Mapped[JsonObject] = mapped_column(server_default=text("'{}'::jsonb"))
    eta: Mapped[JsonObject | None]
    last_metrics: Mapped[JsonObject] = mapped_column(server_default=text("'{}'::jsonb"))  # the newest value of each
    latest_checkpoint: Mapped[str | None] = mapped_column(
        ForeignKey("artifacts.id", use_alter=True, ondelete="SET NULL")
    )
    best_checkpoint: Mapped[str | None] = mapped_column(ForeignKey("artifacts.id", use_alter=True, ondelete="SET NULL"))
    error_code: Mapped[str | None]
    error_detail: Mapped[str | None]
    error_text: Mapped[JsonObject | None]  # code and parameters of the detail
    # What an evaluation found (docs/02-rows-and-states.md).
    result: Mapped[JsonObject | None]
    # The figures by which jobs can be sorted, and the sha256 of the extractor that they were measured with. Trainings
    # that measure themselves have those of their checkpoint `best`.
    fd_ratio: Mapped[float | None]
    kid: Mapped[float | None]
    extractor: Mapped[str | None]
    last_seq: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    # Orders the owner's jobs of one priority: when the job was created, unless its owner moved it.
    ordered_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    ran: Mapped[timedelta | None]  # what its ended attempts took together (stores/infra/sql.py)
    # In the trash: lists, counts and quotas leave it out, and it can be restored (stores/jobs/trash.py).
    trashed_at: Mapped[datetime | None]
    # When it came back from the trash: the days of a retention policy count from then on.
    restored_at: Mapped[datetime | None]
    # Deleted for good: to readers it is gone, and the sweeper removes its rows (stores/maintenance/purge.py).
    purged_at: Mapped[datetime | None]


class Attempt(Base):
    """One attempt at a job by one worker. `fence` is the right to write that it held."""

    __tablename__ = "attempts"
    __table_args__ = (
        CheckConstraint(one_of("outcome", Outcome, null=True), name="outcome"),
        CheckConstraint("(outcome IS NULL) = (ended_at IS NULL)", name="ended"),
        UniqueConstraint("job_id", "fence"),
        # A job runs at most once at a time.
        Index("uq_attempts_open", "job_id", unique=True, postgresql_where=text("ended_at IS NULL")),
    )

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    fence: Mapped[int] = mapped_column(BigInteger)
    worker_id: Mapped[str] = mapped_column(ForeignKey("workers.id"))
    device: Mapped[str | None]
    start_step: Mapped[int | None] = mapped_column(BigInteger)
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    error_code: Mapped[str | None]
    error_detail: Mapped[str | None]
    error_text: Mapped[JsonObject | None]  # code and parameters of the detail
    # Of the trainer's log, once it is an artifact: how many lines it had, and `[after, lines]` for each stretch of them
    # that was left out.
    log_lines: Mapped[int | None] = mapped_column(BigInteger)
    log_gaps: Mapped[list[Any] | None] = mapped_column(JSONB)
    energy_wh: Mapped[float | None]  # what its device took; null without a sensor
