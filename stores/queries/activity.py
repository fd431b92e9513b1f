"""Recent activity for the overview: jobs submitted and finished in each minute of the last hour, ended jobs, failures,
alerts. Each query walks an index over its time range. Jobs in the trash count as submitted and finished, and are left
out of the lists."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, Integer, Select, cast, func, literal, select, union_all

from models import views
from models.rows import Event, Job
from models.states import EventType, State
from models.views import event_view, job_view
from stores.infra.sql import seconds

MINUTES = 60
# Submitted and finished jobs are counted at most this often, because many people watch and counting a flood is slow.
FLOWS_HOLD_S = 3.0
DAY_S = 86_400


@dataclass(frozen=True)
class Flow:
    """A queue's submitted and finished jobs in each minute of the last hour; the last entry is the newest."""

    arrivals: list[int] = field(default_factory=lambda: [0] * MINUTES)
    finishes: list[int] = field(default_factory=lambda: [0] * MINUTES)


@dataclass(frozen=True)
class Failures:
    """How many jobs failed with one code, and the newest of them."""

    code: str
    count: int
    newest: str


class Activity:
    """Reads for the overview. `owner` None reads for an admin: everything."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._flows: tuple[float, dict[str, Flow]] = (-FLOWS_HOLD_S, {})

    def flows(self) -> dict[str, Flow]:
        """Return submitted and finished jobs by queue, a few seconds old; a queue without either is left out."""
        counted_at, flows = self._flows
        if time.monotonic() - counted_at >= FLOWS_HOLD_S:
            flows = self._count()
            self._flows = (time.monotonic(), flows)
        return flows

    def _count(self) -> dict[str, Flow]:
        flows: dict[str, Flow] = defaultdict(Flow)
        with self._engine.connect() as connection:
            for what, queue, minutes_ago, count in connection.execute(flow_query()):
                getattr(flows[queue], what)[MINUTES - 1 - minutes_ago] = count
        return dict(flows)

    def ended(self, owner: str | None, limit: int) -> list[views.Job]:
        """Return the jobs that ended within a day, newest first."""
        query = _of(
            owner, select(*Job.__table__.columns).where(_within(Job.finished_at, DAY_S), Job.trashed_at.is_(None))
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(Job.finished_at.desc(), Job.id.desc()).limit(limit)).mappings()
            return [job_view(row) for row in rows]

    def failures(self, owner: str | None) -> list[Failures]:
        """Return the failures of a day, most frequent code first."""
        with self._engine.connect() as connection:
            return [Failures(*row) for row in connection.execute(failure_query(owner))]

    def alerts(self, owner: str | None, limit: int) -> list[dict[str, Any]]:
        """Return the alerts of a day, newest first: events, each with its job's `name` and `recipe`."""
        with self._engine.connect() as connection:
            rows = connection.execute(alert_query(owner).limit(limit)).mappings()
            return [{**event_view(row), "name": row["name"], "recipe": row["recipe"]} for row in rows]


def flow_query() -> Select[*tuple[Any, ...]]:
    """Return the query for submitted and finished jobs: (arrivals or finishes, queue, minutes ago, count)."""
    halves = []
    for what, moment in (("arrivals", Job.created_at), ("finishes", Job.finished_at)):
        # Minutes count back from now; time arithmetic assigns each row to its minute.
        minute = func.date_bin(seconds(60), moment, func.now()).label("minute")
        counted = select(literal(what).label("what"), Job.queue, minute, func.count().label("count"))
        halves.append(counted.where(_within(moment, 60 * MINUTES)).group_by(Job.queue, minute))
    both = union_all(*halves).subquery()
    ago = cast(func.extract("epoch", func.now() - both.c.minute) / 60, Integer) - 1
    # A row written during the query may be a moment younger than the query.
    return select(both.c.what, both.c.queue, ago, both.c.count).where(ago.between(0, MINUTES - 1))


def failure_query(owner: str | None) -> Select[*tuple[Any, ...]]:
    """Return the query for failures."""
    failed = (Job.state == State.failed, _within(Job.finished_at, DAY_S), Job.trashed_at.is_(None))
    counted = select(Job.error_code, func.count(), func.max(Job.id)).where(*failed).group_by(Job.error_code)
    return _of(owner, counted).order_by(func.count().desc(), Job.error_code)


def alert_query(owner: str | None) -> Select[*tuple[Any, ...]]:
    """Return the query for alerts."""
    columns = (*Event.__table__.columns, Job.name, Job.recipe)
    alerts = select(*columns).join(Job, Job.id == Event.job_id).where(Event.type == EventType.alert)
    return _of(owner, alerts.where(_within(Event.at, DAY_S), Job.trashed_at.is_(None))).order_by(Event.at.desc())


def _of(owner: str | None, query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    return query if owner is None else query.where(Job.owner == owner)


def _within(moment: Any, stretch_s: float) -> Any:
    return moment > func.now() - seconds(stretch_s)
