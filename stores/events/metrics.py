"""Curves: the points of a job's metrics, thinned for plotting without losing a peak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import cast as typed

from sqlalchemy import Connection, Engine, Table, bindparam, delete, func, insert, select

from models.rows import Metric
from models.states import EventType
from stores.events.curve_levels import (
    BATCH,
    BATCH_POINTS,
    BUCKETS,
    WINDOW,
    Series,
    add_windows,
    append,
    ask_for_levels,
    coarser,
    forget_windows,
    joined,
    level_for,
    stretches,
    window_of,
)
from stores.events.thinning import thin

METRICS = typed(Table, Metric.__table__)
# Built once, because it runs twice a second for each job. Returns where the last chunk began before.
POINTS = insert(METRICS).returning(
    select(func.max(METRICS.c.first_step)).where(METRICS.c.job_id == bindparam("job")).scalar_subquery()
)
# A reader that meets more points than this which no level covers asks for levels.
UNCOVERED = 8 * BUCKETS[0] * WINDOW
# A curve of up to so many times the points that are asked for is thinned from all its points.
EXACT = BUCKETS[0] // 2


class Metrics:
    """Reads curves."""

    def __init__(self, engine: Engine) -> None:
        # One snapshot for all levels.
        self._engine = engine.execution_options(isolation_level="REPEATABLE READ")
        self._writer = engine.execution_options(isolation_level="AUTOCOMMIT")

    def series(self, job_id: str, names: Sequence[str] | None, max_points: int | None) -> Series:
        """Return steps and values by metric name (all names when none are given)."""
        with self._engine.connect() as connection:
            steps, batch = _length(connection, job_id)
            asked = _Asked(job_id, names or (), batch)
            level = 0 if max_points is None else level_for(steps, max_points)
            series, points, uncovered = _read(connection, asked, level)
            if level and max_points is not None and points <= EXACT * max_points:
                # There are few points on many steps, maybe unevenly.
                series, _, _ = _read(connection, asked, 0)
        if level and uncovered > UNCOVERED:
            with self._writer.connect() as connection:
                ask_for_levels(connection, job_id)
        if max_points is None:
            return series
        return {name: thin(steps, values, max_points) for name, (steps, values) in series.items()}


@dataclass(frozen=True)
class _Asked:
    """Which curves to read, and how many chunks at once."""

    job_id: str
    names: Sequence[str]
    batch: int


def _length(connection: Connection, job_id: str) -> tuple[int, int]:
    """Return over how many steps the curves of a job extend, and how many of its chunks to read at once."""
    size = func.cardinality(METRICS.c.steps).label("size")
    mine = select(METRICS.c.first_step, METRICS.c.last_step, size).where(METRICS.c.job_id == job_id)
    last = connection.execute(mine.order_by(METRICS.c.first_step.desc()).limit(1)).first()
    first = connection.scalar(mine.order_by(METRICS.c.first_step).limit(1))
    if last is None or first is None:
        return 0, BATCH
    return last.last_step - first + 1, max(1, min(BATCH, BATCH_POINTS // max(1, last.size)))


def _read(connection: Connection, asked: _Asked, level: int) -> tuple[Series, int, int]:
    """Return the curves at a level; how many points the longest of them has at level 0, or a few more; and how many of
    these no level covers.
    """
    series: Series = {name: ([], []) for name in asked.names}
    points = covered = begin = 0
    for source in range(level, -1, -1):
        covered = points
        for some in stretches(connection, asked.job_id, source, begin, names=asked.names, batch=asked.batch):
            points += sum(stretch.points for stretch in some)
            begin = some[-1].next_step or begin
            if source == level:
                joined(series, some)
            else:
                # What no row of this level covers yet must not be shown in more detail than the rest.
                append(series, coarser(some, level))
    return series, points, points - covered


def add_points(connection: Connection, job_id: str, data: dict[str, Any]) -> None:
    """Add a chunk to the job's curves. The caller holds the lock of the job's row."""
    steps = data["steps"]
    values = data["values"]
    chunk = {"job_id": job_id, "first_step": steps[0], "last_step": steps[-1], "steps": steps, "values": values}
    before = connection.scalar(POINTS, {**chunk, "first_name": min(values, default=""), "job": job_id})
    if before is None or window_of(before) == window_of(steps[0]):
        return
    if before < steps[0]:
        add_windows(connection, job_id, steps[0])
    else:
        # It came late, and the window to which it belongs may be made already.
        forget_windows(connection, job_id, steps[0])


def newest_values(news: Sequence[tuple[str, dict[str, Any]]]) -> dict[str, float | None]:
    """Return the last value of each metric in what a trainer tells."""
    chunks = [data["values"] for kind, data in news if kind == EventType.metric and data["steps"]]
    return {name: values[-1] for chunk in chunks for name, values in chunk.items() if values}


def forget_points(connection: Connection, job_id: str, step: int) -> None:
    """Delete the chunks that begin after a step to which a run has gone back."""
    connection.execute(delete(Metric).where(Metric.job_id == job_id, Metric.first_step > step))
    forget_windows(connection, job_id, step + 1)
