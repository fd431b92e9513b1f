"""Figures for whoever watches the service, counted in the rows: the same whichever process is asked."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, Float, cast, func, select

from models.rows import Attempt, Event, Job
from models.states import EventType, State

# Upper bounds in seconds: from a sampling job to a day of training.
BUCKETS = (1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400)


@dataclass(frozen=True)
class Durations:
    """How long attempts took, as Prometheus counts: how many were at most as long as each bound, all, and the sum."""

    outcome: str
    within: list[int]
    count: int
    seconds: float


class Figures:
    """Counts."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    def durations(self) -> list[Durations]:
        """Return how long the ended attempts took, by outcome."""
        took = cast(func.extract("epoch", Attempt.ended_at - Attempt.started_at), Float)
        within = [func.count().filter(took <= bound) for bound in BUCKETS]
        query = (
            select(Attempt.outcome, *within, func.count(), func.coalesce(func.sum(took), 0.0))
            .where(Attempt.ended_at.is_not(None))
            .group_by(Attempt.outcome)
            .order_by(Attempt.outcome)
        )
        with self._engine.connect() as connection:
            rows = [tuple(row) for row in connection.execute(query)]
        return [Durations(str(outcome), within, count, float(total)) for outcome, *within, count, total in rows]

    def images_per_second(self) -> dict[str, float]:
        """Return how many images the running jobs of each queue learn from in a second, by their last full epoch."""
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
