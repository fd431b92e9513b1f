"""Coarser levels of curves, so that the cost of reading a curve follows what is answered and not its length.

A level keeps two points of each bucket of steps, the minimum and the maximum. A row of a level holds a window of
buckets, with the first and the last point of the window. The rows of a level cover a curve from its beginning without a
gap. What comes after them is read from the level below, and at last from level 0: the chunks that the trainer sent (the
table `metrics`). A chunk or a row belongs to the window in which it begins.

A window is made in the transaction that writes the first chunk beyond it. The sweeper makes the windows of curves that
were written before there were levels (stores/maintenance/curves.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from typing import cast as typed

from pydantic_core import from_json
from sqlalchemy import (
    Connection,
    Row,
    Select,
    Table,
    Text,
    bindparam,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import array

from models.rows import Chore, CurveLevel, Metric
from stores.events.thinning import Points, coarsen

Series = dict[str, Points]
Curve = tuple[str, list[int], list[float | None]]  # name, steps, values

# Steps in a bucket of each level. Of 16 steps two points remain, and each further level has an eighth of the points:
# with more levels they would take more space, with fewer there would be more to read for one answer.
BUCKETS = (16, 128, 1024, 8192, 65_536, 524_288)
# Buckets in a window. The chunks beyond the last window of the first level, of 1024 steps, are read one by one.
WINDOW = 64
# Windows of a level that one transaction makes: the job's row is locked meanwhile, and its supervisor waits for it.
MOST_WINDOWS = 32
# The sweeper's periodic task that makes windows of older curves.
CHORE = "curve_levels"
# Rows that are taken apart at once, and about the points that these may have.
BATCH = 500
BATCH_POINTS = 20_000


@dataclass(frozen=True)
class Stretch:
    """What one chunk, or one row of a level, holds.

    Attributes:
        first_step: where it begins.
        next_step: the first step that a row of a level does not cover.
        points: how many points of a curve it stands for.
        series: its curves.
    """

    first_step: int
    next_step: int
    points: int
    series: list[Curve]


LEVELS = typed(Table, CurveLevel.__table__)
# Built once. Where the windows of the level `covers` end, and the first stretch behind them, of chunks or of a level.
COVERED = (
    select(LEVELS.c.next_step)
    .where(LEVELS.c.job_id == bindparam("job"), LEVELS.c.level == bindparam("covers"))
    .order_by(LEVELS.c.first_step.desc())
    .limit(1)
    .scalar_subquery()
)
FIRST_CHUNK = select(func.min(Metric.first_step)).where(
    Metric.job_id == bindparam("job"), Metric.first_step >= func.coalesce(COVERED, 0)
)
BELOW = LEVELS.alias()
FIRST_ROW = select(func.min(BELOW.c.first_step)).where(
    BELOW.c.job_id == bindparam("job"),
    BELOW.c.level == bindparam("covers") - 1,
    BELOW.c.first_step >= func.coalesce(COVERED, 0),
)


def level_for(steps: int, max_points: int) -> int:
    """Return the coarsest level at which a curve of so many steps has `max_points` points; 0: the chunks."""
    return max((level for level, bucket in enumerate(BUCKETS, 1) if 2 * steps // bucket >= max_points), default=0)


def window_of(step: int, level: int = 1) -> int:
    """Return where the window of a level begins in which a step lies."""
    size = BUCKETS[level - 1] * WINDOW
    return step // size * size


def stretches(
    connection: Connection,
    job_id: str,
    level: int,
    begin: int,
    end: int | None = None,
    *,
    names: Sequence[str] = (),
    batch: int = BATCH,
) -> Iterator[list[Stretch]]:
    """Yield what begins at these steps, in batches of rows. Names choose curves; without any, all are read."""
    query = _chunks(names) if level == 0 else _rows(level, names)
    source = Metric if level == 0 else CurveLevel
    query = query.where(source.job_id == job_id, source.first_step >= begin)
    if end is not None:
        query = query.where(source.first_step < end)
    if level == 0 and end is None:
        # A curve without levels has any number of chunks, which are not held in memory all at once.
        query = query.execution_options(yield_per=batch)
    for rows in connection.execute(query).partitions(batch):
        yield list(_taken_apart(rows, level, names))


def _chunks(names: Sequence[str]) -> Select[*tuple[Any, ...]]:
    series = Metric.values if not names else func.to_json(array([Metric.values[name] for name in names]))
    return select(
        Metric.first_step,
        literal(0).label("next_step"),
        func.cardinality(Metric.steps).label("points"),
        cast(Metric.steps, Text).label("steps"),
        # Read as one text: decoding thousands of small values one by one would take longer than everything else.
        cast(series, Text).label("series"),
    ).order_by(Metric.first_step, Metric.first_name)


def _rows(level: int, names: Sequence[str]) -> Select[*tuple[Any, ...]]:
    # An array: a function takes 100 arguments at most, so json_build_object would take 50 names.
    series = CurveLevel.series if not names else func.to_json(array([CurveLevel.series[name] for name in names]))
    return (
        select(CurveLevel.first_step, CurveLevel.next_step, CurveLevel.points, cast(series, Text).label("series"))
        .where(CurveLevel.level == level)
        .order_by(CurveLevel.first_step)
    )


def _taken_apart(rows: Sequence[Row[*tuple[Any, ...]]], level: int, names: Sequence[str]) -> Iterator[Stretch]:
    found = from_json(f"[{','.join(row.series for row in rows)}]")
    steps = from_json(f"[{','.join(f'[{row.steps[1:-1]}]' for row in rows)}]") if level == 0 else [None] * len(rows)
    for row, shared, series in zip(rows, steps, found, strict=True):
        named = zip(names, series, strict=True) if names else series.items()
        curves = [(name, *(curve if shared is None else (shared, curve))) for name, curve in named if curve is not None]
        yield Stretch(row.first_step, row.next_step, row.points, curves)


def joined(series: Series, found: Iterable[Stretch]) -> Series:
    """Append what was found to curves, in place."""
    for stretch in found:
        append(series, stretch.series)
    return series


def append(series: Series, curves: Iterable[Curve]) -> None:
    """Append points to curves, in place."""
    for name, steps, values in curves:
        known_steps, known_values = series.setdefault(name, ([], []))
        known_steps.extend(steps)
        known_values.extend(values)


def coarser(found: Iterable[Stretch], level: int) -> list[Curve]:
    """Return the curves with the points that a level keeps."""
    bucket = BUCKETS[level - 1]
    return [(name, *coarsen(steps, values, bucket)) for name, (steps, values) in joined({}, found).items()]


def add_windows(connection: Connection, job_id: str, newest: int) -> int:
    """Make windows that are complete and not yet made, some of each level; return how many.

    `newest`: where the last chunk begins. The caller holds the lock of the job's row.
    """
    made = 0
    end = newest
    for level in range(1, len(BUCKETS) + 1):
        new = _add_to(connection, job_id, level, window_of(end, level))
        if not new:
            break
        made += len(new)
        end = new[-1]
    return made


def _add_to(connection: Connection, job_id: str, level: int, end: int) -> list[int]:
    """Make windows of one level that end at this step or before; return where they end."""
    first = connection.scalar(FIRST_CHUNK if level == 1 else FIRST_ROW, {"job": job_id, "covers": level})
    if first is None:
        return []
    size = BUCKETS[level - 1] * WINDOW
    end = min(end, window_of(first, level) + MOST_WINDOWS * size)
    windows: dict[int, list[Stretch]] = defaultdict(list)
    for some in stretches(connection, job_id, level - 1, first, end):
        for stretch in some:
            windows[window_of(stretch.first_step, level)].append(stretch)
    new = [
        {
            "job_id": job_id,
            "level": level,
            "first_step": begin,
            "next_step": begin + size,
            "points": sum(stretch.points for stretch in found),
            "series": {name: points for name, *points in coarser(found, level)},
        }
        for begin, found in windows.items()
    ]
    if new:
        connection.execute(insert(CurveLevel), new)
    return [begin + size for begin in windows]


def forget_windows(connection: Connection, job_id: str, step: int) -> None:
    """Delete the windows in which a step or a later one lies."""
    connection.execute(delete(CurveLevel).where(CurveLevel.job_id == job_id, CurveLevel.next_step > step))


def ask_for_levels(connection: Connection, job_id: str) -> None:
    """Let the sweeper make the windows of a job now, if it rests. Its cursor is the last job that it has done."""
    resting = update(Chore).where(Chore.name == CHORE, Chore.next_at > func.now())
    connection.execute(resting.values(next_at=func.now(), cursor=job_id[:-1]))
