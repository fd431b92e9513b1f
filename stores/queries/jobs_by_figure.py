"""Jobs in the order of a figure that they were measured by. Read-only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, func, literal, select, tuple_

from models.ids import is_id
from models.messages import RequestFaults
from models.rows import Job
from stores.infra.errors import ConflictError
from stores.jobs.filter import JobFilter

Figure = Literal["fd_ratio", "kid"]
COLUMNS = {"fd_ratio": Job.fd_ratio, "kid": Job.kid}


@dataclass(frozen=True)
class FigureOrder:
    """A figure, and whether the largest comes first."""

    figure: Figure
    falling: bool


@dataclass(frozen=True)
class Measurer:
    """An extractor that some jobs were measured with.

    Attributes:
        sha256: of its weights.
        name: its own, where it is no job's id; otherwise that of a data set that it judged.
    """

    sha256: str
    name: str | None


@dataclass(frozen=True)
class FigurePlace:
    """Where a page ended: the figure of its last job, None if it has none, and when that job was created."""

    value: float | None
    created_at: datetime
    job_id: str


def jobs_by_figure(
    connection: Connection, wanted: JobFilter, order: FigureOrder, limit: int, after: FigurePlace | None
) -> list[RowMapping]:
    """Return up to `limit` rows after a place: jobs with the figure in its order, then the others, newest first.

    Raises:
        ConflictError: some of the jobs were measured with other extractors than others.
    """
    column = COLUMNS[order.figure]
    every = wanted.apply(select(*Job.__table__.columns))
    rows: list[RowMapping] = []
    # 1. Jobs that have the figure. Within one extractor an index holds them in order.
    extractor = _extractor(connection, wanted, order)
    if extractor is not None and (after is None or after.value is not None):
        measured = every.where(column.is_not(None), Job.extractor == extractor)
        here = tuple_(column, Job.id)
        if after is not None:
            place = tuple_(literal(after.value), literal(after.job_id))
            measured = measured.where(here < place if order.falling else here > place)
        by = (column.desc(), Job.id.desc()) if order.falling else (column, Job.id)
        rows += connection.execute(measured.order_by(*by).limit(limit)).mappings()
    # 2. The others.
    if len(rows) < limit:
        others = every.where(column.is_(None))
        if after is not None and after.value is None:
            place = tuple_(literal(after.created_at), literal(after.job_id))
            others = others.where(tuple_(Job.created_at, Job.id) < place)
        others = others.order_by(Job.created_at.desc(), Job.id.desc()).limit(limit - len(rows))
        rows += connection.execute(others).mappings()
    return rows


def measurers(connection: Connection, wanted: JobFilter, figure: Figure, most: int) -> list[Measurer]:
    """Return up to `most` extractors that the jobs with a figure were measured with, in the order of their sha256.

    From each one a leap leads to the next, along an index that holds them in this order.
    """
    found: list[Measurer] = []
    measured = COLUMNS[figure].is_not(None)
    of_one: Any = select(Job.dataset, Job.result["extractor"]["name"].astext.label("name"))
    while len(found) < most:
        least: Any = wanted.apply(select(func.min(Job.extractor))).where(measured)
        sha256 = connection.scalar(least.where(Job.extractor > found[-1].sha256) if found else least)
        if sha256 is None:
            break
        job = connection.execute(wanted.apply(of_one).where(measured, Job.extractor == sha256).limit(1)).one()
        # An extractor that a job has made is called by the id of that job.
        found.append(Measurer(sha256, job.dataset if job.name is None or is_id("job", job.name) else job.name))
    return found


def _extractor(connection: Connection, wanted: JobFilter, order: FigureOrder) -> str | None:
    """Return the one extractor that the jobs with the figure were measured with; None if there are none.

    Raises:
        ConflictError: there are several.
    """
    bounds: Any = select(func.min(Job.extractor), func.max(Job.extractor))
    first, last = connection.execute(wanted.apply(bounds).where(COLUMNS[order.figure].is_not(None))).one()
    if first != last:
        raise ConflictError(RequestFaults.figures_of_one_extractor(first=first, second=last))
    return str(first) if first is not None else None
