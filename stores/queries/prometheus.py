"""Prometheus metrics counted from rows, so that every process gives the same answer."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, Float, cast, func, literal, select, text

from models.rows import Artifact, Dataset, DoomedObject, Event, Job, Queue
from models.states import EventType, State
from stores.fleet.workers import SEEN_TODAY, STATE
from stores.jobs import counted
from stores.jobs.counted import Counted, Durations

WORKERS = text(f"SELECT queue, {STATE} AS state, count(*) AS n FROM workers WHERE {SEEN_TODAY} GROUP BY 1, 2")  # noqa: S608


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
        """Return the number of jobs by queue, state and code; counters, so purged jobs stay in."""
        with self._engine.connect() as connection:
            return counted.jobs(connection)

    def durations(self) -> list[Durations]:
        """Return the durations of ended attempts, by outcome."""
        with self._engine.connect() as connection:
            return counted.attempt_durations(connection)

    def stalls(self) -> dict[str, int]:
        """Return the number of attempts that stalled, by queue; queues without any have 0."""
        with self._engine.connect() as connection:
            names = connection.scalars(select(Queue.name)).all()
            return {**dict.fromkeys(names, 0), **counted.stalls(connection)}

    def waits(self) -> list[Durations]:
        """Return the waiting times before the first attempt, by queue."""
        with self._engine.connect() as connection:
            return counted.waits(connection)

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
