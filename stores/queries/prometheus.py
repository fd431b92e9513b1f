"""Prometheus metrics counted from rows, so that every process gives the same answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Engine, Float, cast, func, literal, select, text

from models.rows import Artifact, Attempt, Dataset, DoomedObject, Event, Job, Queue
from models.states import EventType, Outcome, State
from stores.fleet.workers import SEEN_TODAY, STATE

# Upper bounds in seconds: from a sampling job to a day of training, and from an idle worker to a full queue.
BUCKETS = (1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400)
WAITS = (0.05, 0.25, 1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400)

WORKERS = text(f"SELECT queue, {STATE} AS state, count(*) AS n FROM workers WHERE {SEEN_TODAY} GROUP BY 1, 2")  # noqa: S608


@dataclass(frozen=True)
class Durations:
    """Durations as a Prometheus histogram: the count up to each bound, the total count, and the sum."""

    of: str
    within: list[int]
    count: int
    seconds: float


@dataclass(frozen=True)
class Counted:
    """The number of jobs of a queue in one state, and with one code if they failed."""

    queue: str
    state: str
    code: str | None
    count: int


@dataclass(frozen=True)
class Held:
    """The stored objects of one kind."""

    kind: str
    objects: int
    bytes: int


class PrometheusQueries:
    """Reads the counts."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    def jobs(self) -> list[Counted]:
        """Return the number of jobs by queue, state and code."""
        groups = (Job.queue, Job.state, Job.error_code)
        query = select(*groups, func.count()).group_by(*groups).order_by(*groups)
        with self._engine.connect() as connection:
            return [Counted(*row) for row in connection.execute(query)]

    def durations(self) -> list[Durations]:
        """Return the durations of ended attempts, by outcome."""
        took = cast(func.extract("epoch", Attempt.ended_at - Attempt.started_at), Float)
        return self._measured(Attempt.outcome, took, BUCKETS, Attempt.ended_at.is_not(None))

    def stalls(self) -> dict[str, int]:
        """Return the number of attempts that stalled, by queue; queues without any have 0."""
        stalled = (
            select(Job.queue, func.count().label("n"))
            .join(Attempt, Attempt.job_id == Job.id)
            .where(Attempt.outcome == Outcome.stalled)
            .group_by(Job.queue)
            .subquery()
        )
        query = select(Queue.name, func.coalesce(stalled.c.n, 0).label("n")).outerjoin(
            stalled, stalled.c.queue == Queue.name
        )
        with self._engine.connect() as connection:
            return {row.name: row.n for row in connection.execute(query)}

    def waits(self) -> list[Durations]:
        """Return the waiting times before the first attempt, by queue."""
        took = cast(func.extract("epoch", Job.started_at - Job.created_at), Float)
        return self._measured(Job.queue, took, WAITS, Job.started_at.is_not(None))

    def images_per_second(self) -> dict[str, float]:
        """Return the images per second of the running jobs of each queue, from their last full epoch."""
        speed = (
            select(cast(Event.data["images_per_second"].astext, Float))
            .where(Event.job_id == Job.id, Event.type == EventType.epoch)
            .order_by(Event.seq.desc())
            .limit(1)
            .correlate(Job)
            .scalar_subquery()
        )
        query = select(Job.queue, func.sum(speed)).where(Job.state == State.running).group_by(Job.queue)
        with self._engine.connect() as connection:
            return {queue: float(total or 0) for queue, total in connection.execute(query)}

    def workers(self, alive_s: float) -> dict[tuple[str, str], int]:
        """Return the number of workers of the last day by (queue, state)."""
        with self._engine.connect() as connection:
            return {(row.queue, row.state): row.n for row in connection.execute(WORKERS, {"alive_s": alive_s})}

    def stored(self) -> list[Held]:
        """Return the stored objects by kind of artifact, and of data sets."""
        size = func.coalesce(func.sum(Artifact.bytes), 0)
        files = select(Artifact.kind, func.count(), size).group_by(Artifact.kind).order_by(Artifact.kind)
        total = func.coalesce(func.sum(Dataset.bytes), 0)
        datasets = select(literal("dataset"), func.count(), total).where(
            Dataset.object_key.is_not(None), Dataset.deleted_at.is_(None)
        )
        with self._engine.connect() as connection:
            rows = [*connection.execute(files), *connection.execute(datasets)]
        return [Held(kind, objects, int(held)) for kind, objects, held in rows]

    def doomed(self) -> tuple[int, float]:
        """Return the number of objects that are to be removed, and for how many seconds the oldest has been waiting."""
        waits = cast(func.extract("epoch", func.now() - func.min(DoomedObject.since)), Float)
        with self._engine.connect() as connection:
            count, oldest = connection.execute(select(func.count(), waits)).one()
        return count, oldest or 0.0

    def missing(self) -> int:
        """Return the number of artifacts whose object is gone."""
        query = select(func.count()).where(Artifact.missing_since.is_not(None))
        with self._engine.connect() as connection:
            return connection.scalar(query) or 0

    def _measured(
        self, of: Any, took: ColumnElement[float], bounds: Sequence[float], ended: ColumnElement[bool]
    ) -> list[Durations]:
        within = [func.count().filter(took <= bound) for bound in bounds]
        query = select(of, *within, func.count(), func.coalesce(func.sum(took), 0.0))
        with self._engine.connect() as connection:
            rows = [tuple(row) for row in connection.execute(query.where(ended).group_by(of).order_by(of))]
        return [Durations(str(of), within, count, float(total)) for of, *within, count, total in rows]
