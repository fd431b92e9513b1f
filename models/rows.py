"""The tables. Constraints here make the bad states impossible, whoever writes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from models.states import (
    Action,
    ArtifactKind,
    DeviceClass,
    ErrorCode,
    EventType,
    Outcome,
    Role,
    State,
)

# Names for every constraint, so that a migration can find what it changes.
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

JsonObject = dict[str, Any]


class Base(DeclarativeBase):
    """All rows share one metadata, against which the migrations are tested."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar = {
        datetime: DateTime(timezone=True),
        JsonObject: JSONB,
        list[str]: ARRAY(Text),
        list[int]: ARRAY(Integer),
        str: Text,
    }


def _one_of(column: str, values: type[Any], *, null: bool = False) -> str:
    choices = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({choices})" + (f" OR {column} IS NULL" if null else "")


class Key(Base):
    """An access key. Only the SHA-256 of the secret is kept: the secret has 256 random bits, so no salt is needed."""

    __tablename__ = "keys"
    __table_args__ = (CheckConstraint(_one_of("role", Role), name="role"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    owner: Mapped[str] = mapped_column(index=True)
    role: Mapped[str]
    hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    revoked_at: Mapped[datetime | None]


class Dataset(Base):
    """A data set that jobs can name: built in, found under a data root, or uploaded (then it has an owner)."""

    __tablename__ = "datasets"
    __table_args__ = (
        CheckConstraint("state IN ('importing', 'ready', 'missing', 'failed')", name="state"),
        CheckConstraint("source IN ('builtin', 'found', 'uploaded')", name="source"),
        CheckConstraint("(source = 'uploaded') = (owner IS NOT NULL)", name="owner"),
        CheckConstraint("state <> 'ready' OR images > 0", name="images"),
        # One name means one data set to a person: shared names once, and each owner's names once.
        # A deleted one stays as a row, because finished jobs name it, but its name is free.
        Index(
            "uq_datasets_owner_name",
            text("coalesce(owner, '')"),
            "name",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    owner: Mapped[str | None]
    source: Mapped[str]
    layout: Mapped[str]
    images: Mapped[int] = mapped_column(Integer)
    shape: Mapped[list[int]]
    classes: Mapped[list[str]]
    bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str | None] = mapped_column(String(64))
    state: Mapped[str]
    parts: Mapped[JsonObject] = mapped_column(server_default=text("'{}'"))  # images of each: train, test; trainA, …
    object_key: Mapped[str | None]  # of the packed file, and of its preview grid, when uploaded
    preview_key: Mapped[str | None]
    deleted_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Queue(Base):
    """A queue is a device class and a switch."""

    __tablename__ = "queues"
    __table_args__ = (CheckConstraint(_one_of("name", DeviceClass), name="name"),)

    name: Mapped[str] = mapped_column(primary_key=True)
    paused: Mapped[bool] = mapped_column(server_default=text("false"))


class Worker(Base):
    """A supervisor: one process, pinned to one device, serving one queue. Alive while `last_seen` is recent."""

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    queue: Mapped[str] = mapped_column(ForeignKey("queues.name"))
    device: Mapped[JsonObject]
    host: Mapped[str]
    pid: Mapped[int] = mapped_column(Integer)
    draining: Mapped[bool] = mapped_column(server_default=text("false"))
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_seen: Mapped[datetime] = mapped_column(server_default=func.now())
    stopped_at: Mapped[datetime | None]


class Job(Base):
    """One training or sampling job: what was asked, where it stands, and who may write it (`fence`)."""

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint("kind IN ('train', 'sample')", name="kind"),
        CheckConstraint(_one_of("state", State), name="state"),
        CheckConstraint(_one_of("pending_action", Action, null=True), name="pending_action"),
        CheckConstraint(_one_of("error_code", ErrorCode, null=True), name="error_code"),
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
        # The claim walks this index from its beginning: next runnable row first, however many wait behind it.
        Index(
            "ix_jobs_claim",
            "queue",
            text("priority DESC"),
            "created_at",
            "id",
            postgresql_where=text("state = 'queued'"),
        ),
        Index("ix_jobs_lease", "lease_until", postgresql_where=text("state = 'running'")),
        Index("ix_jobs_owner_created", "owner", "created_at", "id"),
        Index("ix_jobs_created", "created_at", "id"),
        Index("ix_jobs_parent", "parent", postgresql_where=text("parent IS NOT NULL")),
        Index("ix_jobs_source_artifact", "source_artifact", postgresql_where=text("source_artifact IS NOT NULL")),
        # Deleting a checkpoint asks who still points at it.
        Index("ix_jobs_latest_checkpoint", "latest_checkpoint", postgresql_where=text("latest_checkpoint IS NOT NULL")),
        Index("ix_jobs_best_checkpoint", "best_checkpoint", postgresql_where=text("best_checkpoint IS NOT NULL")),
        Index("ix_jobs_dataset", "dataset_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    kind: Mapped[str]
    recipe: Mapped[str]
    preset: Mapped[str | None]
    dataset_id: Mapped[str | None] = mapped_column(ForeignKey("datasets.id"))
    dataset: Mapped[str | None]  # the name or id as it was asked for
    params: Mapped[JsonObject]
    seed: Mapped[int] = mapped_column(BigInteger)
    queue: Mapped[str] = mapped_column(ForeignKey("queues.name"))
    priority: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    name: Mapped[str | None]
    labels: Mapped[JsonObject] = mapped_column(server_default=text("'{}'::jsonb"))
    max_attempts: Mapped[int] = mapped_column(SmallInteger)
    max_runtime_s: Mapped[int | None] = mapped_column(Integer)
    source: Mapped[JsonObject | None]  # sampling: {"job", "checkpoint"} as asked
    source_artifact: Mapped[str | None] = mapped_column(ForeignKey("artifacts.id", use_alter=True, ondelete="SET NULL"))
    parent: Mapped[str | None] = mapped_column(ForeignKey("jobs.id"))

    state: Mapped[str]
    pending_action: Mapped[str | None]
    reason: Mapped[str | None]
    attempt: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    interruptions: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    fence: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    lease_until: Mapped[datetime | None]
    run_after: Mapped[datetime] = mapped_column(server_default=func.now())
    worker_id: Mapped[str | None] = mapped_column(ForeignKey("workers.id"))
    device: Mapped[str | None]
    progress: Mapped[JsonObject] = mapped_column(server_default=text("'{}'::jsonb"))
    eta: Mapped[JsonObject | None]
    latest_checkpoint: Mapped[str | None] = mapped_column(
        ForeignKey("artifacts.id", use_alter=True, ondelete="SET NULL")
    )
    best_checkpoint: Mapped[str | None] = mapped_column(ForeignKey("artifacts.id", use_alter=True, ondelete="SET NULL"))
    error_code: Mapped[str | None]
    error_detail: Mapped[str | None]
    last_seq: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class Attempt(Base):
    """One try at a job by one worker. `fence` is the right to write that this try held."""

    __tablename__ = "attempts"
    __table_args__ = (
        CheckConstraint(_one_of("outcome", Outcome, null=True), name="outcome"),
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


class Event(Base):
    """Something that happened to a job. `seq` has no gap; `txid` orders events across jobs (see stores/events.py)."""

    __tablename__ = "events"
    __table_args__ = (
        CheckConstraint(_one_of("type", EventType), name="type"),
        CheckConstraint("seq >= 1", name="seq"),
        Index("ix_events_feed", "txid", "job_id", "seq"),
    )

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    txid: Mapped[int] = mapped_column(BigInteger, server_default=text("(pg_current_xact_id()::text::bigint)"))
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    attempt: Mapped[int] = mapped_column(Integer)
    type: Mapped[str]
    data: Mapped[JsonObject]


class Metric(Base):
    """A run of consecutive metric points of a job: `steps[i]` belongs to `values[name][i]`; null stands for NaN.

    Unlike events, which only grow, these rows are the curve as it stands: an attempt that resumes from step n removes
    what an earlier attempt wrote beyond n.
    """

    __tablename__ = "metrics"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    first_step: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    # What is measured at every step, and what is measured once an epoch, may begin at the same step.
    first_name: Mapped[str] = mapped_column(primary_key=True, server_default=text("''"))
    last_step: Mapped[int] = mapped_column(BigInteger)
    steps: Mapped[list[int]]
    values: Mapped[JsonObject]


class Artifact(Base):
    """A stored object. It exists for users when this row does; the key is made by the server alone."""

    __tablename__ = "artifacts"
    __table_args__ = (
        CheckConstraint(_one_of("kind", ArtifactKind), name="kind"),
        CheckConstraint("bytes >= 0", name="bytes"),
        ForeignKeyConstraint(["job_id", "attempt"], ["attempts.job_id", "attempts.number"]),
        UniqueConstraint("object_key"),
        Index("ix_artifacts_job", "job_id", "id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"))
    attempt: Mapped[int] = mapped_column(Integer)
    fence: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str]
    name: Mapped[str]
    step: Mapped[int | None] = mapped_column(BigInteger)
    epoch: Mapped[int | None] = mapped_column(Integer)
    bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    content_type: Mapped[str]
    object_key: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Idempotency(Base):
    """The answer given to an Idempotency-Key, kept for 72 hours."""

    __tablename__ = "idempotency"
    __table_args__ = (Index("ix_idempotency_created_at", "created_at"),)

    owner: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    body_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"))
    response: Mapped[JsonObject]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Audit(Base):
    """Who did what, before and after. Rows are added, never changed."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    owner: Mapped[str]
    key_id: Mapped[str | None] = mapped_column(ForeignKey("keys.id"))
    action: Mapped[str]
    subject: Mapped[str]
    before: Mapped[JsonObject | None]
    after: Mapped[JsonObject | None]
