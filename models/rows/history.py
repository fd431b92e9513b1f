"""What jobs tell and leave: events, curves, stored objects."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    SmallInteger,
    String,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from models.rows.base import Base, JsonObject, one_of
from models.states import ArtifactKind, EventType


class Event(Base):
    """Something that happened to a job. `seq` has no gap; `txid` orders all jobs' events (stores/events/events.py)."""

    __tablename__ = "events"
    __table_args__ = (
        CheckConstraint(one_of("type", EventType), name="type"),
        CheckConstraint("seq >= 1", name="seq"),
        Index("ix_events_feed", "txid", "job_id", "seq"),
        # Pages show the epochs and pictures of a job, which are few among many metrics.
        Index("ix_events_told", "job_id", "seq", postgresql_where=text("type <> 'metric'")),
        # The overview shows the alerts of a day, which are few among many metrics.
        Index("ix_events_alerts", "at", postgresql_where=text("type = 'alert'")),
        # Webhooks read what may concern them in the order of the feed.
        Index("ix_events_notable", "txid", "job_id", "seq", postgresql_where=text("type IN ('state', 'alert')")),
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
    # As text: curves are read whole and drawn, and taking numbers apart on the way costs more than all the rest.
    values: Mapped[JsonObject] = mapped_column(JSON)


class CurveLevel(Base):
    """A stretch of a job's curves at a coarser level: of each bucket of steps, the minimum and the maximum.

    The rows of a level cover a curve from its beginning up to the last `next_step` (stores/events/curve_levels.py).
    """

    __tablename__ = "curve_levels"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    level: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    first_step: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    next_step: Mapped[int] = mapped_column(BigInteger)  # the first that it does not cover
    points: Mapped[int] = mapped_column(BigInteger)  # how many points of a curve it stands for
    series: Mapped[JsonObject] = mapped_column(JSON)  # steps and values by name; as text, for the same reason


class LogChunk(Base):
    """Some whole lines of a trainer's log, numbered from 1 in each attempt, until the attempt's log is an artifact.

    Where `first_line` does not follow the chunk before, the lines between were left out.
    """

    __tablename__ = "log_chunks"
    __table_args__ = (
        CheckConstraint("first_line >= 1 AND lines >= 1", name="lines"),
        ForeignKeyConstraint(["job_id", "attempt"], ["attempts.job_id", "attempts.number"], ondelete="CASCADE"),
    )

    job_id: Mapped[str] = mapped_column(primary_key=True)
    attempt: Mapped[int] = mapped_column(Integer, primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    first_line: Mapped[int] = mapped_column(BigInteger)
    lines: Mapped[int] = mapped_column(Integer)
    bytes: Mapped[int] = mapped_column(Integer)
    text: Mapped[str]  # each line ends with a line break


class Artifact(Base):
    """A stored object. It exists for users when this row does; the key is made by the server alone."""

    __tablename__ = "artifacts"
    __table_args__ = (
        CheckConstraint(one_of("kind", ArtifactKind), name="kind"),
        CheckConstraint("bytes >= 0", name="bytes"),
        ForeignKeyConstraint(["job_id", "attempt"], ["attempts.job_id", "attempts.number"]),
        UniqueConstraint("object_key"),
        Index("ix_artifacts_job", "job_id", "id"),
        Index("ix_artifacts_created", "created_at"),
        Index("ix_artifacts_missing", "id", postgresql_where=text("missing_since IS NOT NULL")),
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
    ordinal: Mapped[int | None] = mapped_column(Integer)  # of a checkpoint: the first of its job is 1
    missing_since: Mapped[datetime | None]  # when the sweeper found that its object is gone
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
