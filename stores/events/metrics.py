"""Curves: the points of a job's metrics, thinned for plotting without losing a peak."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any
from typing import cast as typed

from pydantic_core import from_json
from sqlalchemy import ColumnElement, Connection, Engine, Table, Text, cast, delete, func, insert, select
from sqlalchemy.dialects.postgresql import array

from models.rows import Metric

POINTS = insert(typed(Table, Metric.__table__))  # built once: it runs twice a second per job

Series = dict[str, tuple[list[int], list[float | None]]]


class Metrics:
    """Reads curves."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    def series(self, job_id: str, names: Sequence[str] | None, max_points: int | None) -> Series:
        """Return steps and values by metric name (all names when none are given)."""
        wanted: ColumnElement[Any] = typed("ColumnElement[Any]", Metric.values)
        if names:
            # An array: a function takes 100 arguments at most, so json_build_object would take 50 names.
            wanted = func.to_json(array([Metric.values[name] for name in names]))
        # Read as one text: decoding thousands of small values one by one would take longer than everything else.
        query = (
            select(cast(Metric.steps, Text), cast(wanted, Text))
            .where(Metric.job_id == job_id)
            .order_by(Metric.first_step)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        chunks = from_json(f"[{','.join(values for _, values in rows)}]")
        places = from_json(f"[{','.join(f'[{steps[1:-1]}]' for steps, _ in rows)}]")
        series: Series = {name: ([], []) for name in names or ()}
        for steps, values in zip(places, chunks, strict=True):
            for name, points in zip(names, values, strict=True) if names else values.items():
                if points is not None:
                    known_steps, known_values = series.setdefault(name, ([], []))
                    known_steps.extend(steps)
                    known_values.extend(points)
        if max_points is None:
            return series
        return {name: thin(steps, values, max_points) for name, (steps, values) in series.items()}


def thin(steps: list[int], values: list[float | None], max_points: int) -> tuple[list[int], list[float | None]]:
    """Keep at most `max_points` points: the first, the last, and of each bucket between them its minimum and maximum.

    A gap (null) survives as the lowest point of its bucket, so that a run that met NaN shows it.
    """
    if len(steps) <= max_points:
        return steps, values
    if max_points < 4:
        kept = [0, len(steps) - 1][: max(1, max_points)]
    else:
        kept = [0, *_extremes(values, (max_points - 2) // 2), len(steps) - 1]
    return [steps[n] for n in kept], [values[n] for n in kept]


def _extremes(values: list[float | None], buckets: int) -> Iterator[int]:
    """Yield the indexes of each bucket's extremes, in order, without the first and the last point."""
    inner = len(values) - 2
    # Most curves have no gap, and checking for gaps is far cheaper than copying.
    level: Sequence[Any] = values
    if None in values:
        level = [-math.inf if value is None else value for value in values]
    for bucket in range(buckets):
        first = 1 + bucket * inner // buckets
        if part := level[first : 1 + (bucket + 1) * inner // buckets]:
            yield from sorted({first + part.index(min(part)), first + part.index(max(part))})


def add_points(connection: Connection, job_id: str, data: dict[str, Any]) -> None:
    """Add a chunk to the job's curves."""
    steps = data["steps"]
    values = data["values"]
    chunk = {"job_id": job_id, "first_step": steps[0], "last_step": steps[-1], "steps": steps, "values": values}
    connection.execute(POINTS, {**chunk, "first_name": min(values, default="")})


def forget_points(connection: Connection, job_id: str, step: int) -> None:
    """Delete the chunks that begin after a step to which a run has gone back."""
    connection.execute(delete(Metric).where(Metric.job_id == job_id, Metric.first_step > step))
