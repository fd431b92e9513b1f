"""What the metrics count in rows of jobs and attempts, and what is kept of it when a job is purged.

Prometheus takes a counter that falls for one that began anew, and adds all of it again. So a purged job leaves its
counts behind (`purged_figures`), in the transaction that deletes its row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Float, Select, cast, func, literal, select
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import array, insert

from models.rows import Attempt, Job, PurgedFigure
from models.states import Outcome

# Upper bounds in seconds: from a sampling job to a day of training, and from an idle worker to a full queue. Who
# changes them deletes the durations in `purged_figures` in a migration: they were counted by the bounds of then.
BUCKETS = (1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400)
WAITS = (0.05, 0.25, 1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400)

ADD_EACH = sql(
    "ARRAY(SELECT coalesce(before, 0) + coalesce(more, 0)"
    " FROM unnest(purged_figures.within, excluded.within) WITH ORDINALITY AS pair (before, more, place) ORDER BY place)"
)
Query = Select[*tuple[Any, ...]]


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


def jobs(connection: Connection) -> list[Counted]:
    """Return the number of jobs by queue, state and code, those that were purged included."""
    found: Counter[tuple[str, ...]] = Counter()
    for labels, count in connection.execute(_jobs()):
        found[tuple(labels)] += count
    for row in _purged(connection, "jobs"):
        found[tuple(row.labels)] += row.count
    return [Counted(queue, state, code or None, found[queue, state, code]) for queue, state, code in sorted(found)]


def attempt_durations(connection: Connection) -> list[Durations]:
    """Return the durations of ended attempts, by outcome."""
    return _with_purged(connection, "attempts", _attempts())


def stalls(connection: Connection) -> dict[str, int]:
    """Return the number of attempts that stalled, by queue, where there were any."""
    found: Counter[str] = Counter()
    for row in [*connection.execute(_stalls()), *_purged(connection, "stalls")]:
        found[row.labels[0]] += row.count
    return dict(found)


def waits(connection: Connection) -> list[Durations]:
    """Return how long jobs waited for their first attempt, by queue."""
    return _with_purged(connection, "waits", _waits())


def keep(connection: Connection, job_ids: Sequence[str]) -> None:
    """Keep the counts of jobs whose rows, and those of their attempts, are deleted in this transaction."""
    names = ("figure", "labels", "count", "seconds", "within")
    mine = Job.id.in_(job_ids)
    no_durations = (literal(0.0), array([], type_=PurgedFigure.within.type.item_type))
    for figure, query in (
        ("jobs", _jobs().where(mine).add_columns(*no_durations)),
        ("stalls", _stalls().where(mine).add_columns(*no_durations)),
        ("attempts", _attempts().where(Attempt.job_id.in_(job_ids))),
        ("waits", _waits().where(mine)),
    ):
        found = query.subquery()
        rows = select(literal(figure), *found.columns)
        new = insert(PurgedFigure).from_select(names, rows)
        sums = {
            "count": PurgedFigure.count + new.excluded.count,
            "seconds": PurgedFigure.seconds + new.excluded.seconds,
            "within": ADD_EACH,
        }
        connection.execute(new.on_conflict_do_update(index_elements=["figure", "labels"], set_=sums))


def _jobs() -> Query:
    groups = (Job.queue, Job.state, func.coalesce(Job.error_code, ""))
    return select(array(groups).label("labels"), func.count().label("count")).group_by(*groups)


def _attempts() -> Query:
    took = cast(func.extract("epoch", Attempt.ended_at - Attempt.started_at), Float)
    return _durations(Attempt.outcome, took, BUCKETS).where(Attempt.ended_at.is_not(None))


def _stalls() -> Query:
    stalled = select(array([Job.queue]).label("labels"), func.count().label("count")).group_by(Job.queue)
    return stalled.join(Attempt, Attempt.job_id == Job.id).where(Attempt.outcome == Outcome.stalled)


def _waits() -> Query:
    took = cast(func.extract("epoch", Job.started_at - Job.created_at), Float)
    return _durations(Job.queue, took, WAITS).where(Job.started_at.is_not(None))


def _durations(of: Any, took: ColumnElement[float], bounds: Sequence[float]) -> Query:
    within = array([func.count().filter(took <= bound) for bound in bounds]).label("within")
    total = func.coalesce(func.sum(took), 0.0).label("seconds")
    return select(array([of]).label("labels"), func.count().label("count"), total, within).group_by(of)


def _with_purged(connection: Connection, figure: str, query: Query) -> list[Durations]:
    found: dict[str, Durations] = {}
    for row in [*connection.execute(query), *_purged(connection, figure)]:
        (of,) = row.labels
        other = found.get(of, Durations(of, [0] * len(row.within), 0, 0.0))
        within = [one + more for one, more in zip(other.within, row.within, strict=True)]
        found[of] = Durations(of, within, other.count + row.count, other.seconds + float(row.seconds))
    return [found[of] for of in sorted(found)]


def _purged(connection: Connection, figure: str) -> Sequence[Any]:
    columns = (PurgedFigure.labels, PurgedFigure.count, PurgedFigure.seconds, PurgedFigure.within)
    return connection.execute(select(*columns).where(PurgedFigure.figure == figure)).all()
