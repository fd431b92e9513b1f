"""Jobs in the order of a figure, a time or a name. Read-only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, func, literal, not_, select, tuple_

from models.ids import is_id
from models.messages import RequestFaults
from models.rows import Job
from stores.infra.errors import ConflictError
from stores.jobs.filter import JobFilter


@dataclass(frozen=True)
class Column:
    """What a list can be ordered by.

    Attributes:
        values: what is compared; an index holds it, with the id behind it.
        present: whether a job has it, as that index says; None: all have.
        comparable: whether it means the same only within one extractor.
    """

    values: ColumnElement[Any]
    present: ColumnElement[bool] | None
    comparable: bool = False

    def place(self, value: Any) -> ColumnElement[Any]:
        """Return the value of a job as SQL, to compare with."""
        return literal(value, self.values.type)


class NameColumn(Column):
    """Names in the order of their small letters. A page ends at a name as it is written."""

    def place(self, value: Any) -> ColumnElement[Any]:
        """Return the value of a job as SQL, to compare with."""
        return func.lower(literal(value))


ORDERS = {
    "finished_at": Column(Job.finished_at.expression, Job.finished_at.is_not(None)),
    "name": NameColumn(func.lower(Job.name), Job.name.is_not(None)),
    "priority": Column(Job.priority.expression, None),
    "duration": Column(Job.ran.expression, Job.ran.is_not(None)),
    "fd_ratio": Column(Job.fd_ratio.expression, Job.fd_ratio.is_not(None), comparable=True),
    "kid": Column(Job.kid.expression, Job.kid.is_not(None), comparable=True),
}


@dataclass(frozen=True)
class JobOrder:
    """One of `ORDERS`, and whether the largest comes first."""

    name: str
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
class JobPlace:
    """Where a page ended: the value of its last job, None if it has none, and when that job was created."""

    value: Any
    created_at: datetime
    job_id: str


def jobs_in_order(
    connection: Connection, wanted: JobFilter, order: JobOrder, limit: int, after: JobPlace | None
) -> list[RowMapping]:
    """Return up to `limit` rows after a place: jobs with the value in its order, then the others, newest first.

    Raises:
        ConflictError: the order is that of a figure, and jobs were measured with different extractors.
    """
    column = ORDERS[order.name]
    every = wanted.apply(select(*Job.__table__.columns))
    rows: list[RowMapping] = []
    # 1. Jobs that have the value. An index holds them in order, figures within one extractor.
    extractor = _extractor(connection, wanted, column) if column.comparable else None
    if (extractor is not None or not column.comparable) and (after is None or after.value is not None):
        present = every if column.present is None else every.where(column.present)
        if extractor is not None:
            present = present.where(Job.extractor == extractor)
        here = tuple_(column.values, Job.id)
        if after is not None:
            place = tuple_(column.place(after.value), literal(after.job_id))
            present = present.where(here < place if order.falling else here > place)
        by = (column.values.desc(), Job.id.desc()) if order.falling else (column.values, Job.id.expression)
        rows += connection.execute(present.order_by(*by).limit(limit)).mappings()
    # 2. The others.
    if len(rows) < limit and column.present is not None:
        others = every.where(not_(column.present))
        if after is not None and after.value is None:
            place = tuple_(literal(after.created_at), literal(after.job_id))
            others = others.where(tuple_(Job.created_at, Job.id) < place)
        others = others.order_by(Job.created_at.desc(), Job.id.desc()).limit(limit - len(rows))
        rows += connection.execute(others).mappings()
    return rows


def measurers(connection: Connection, wanted: JobFilter, figure: str, most: int) -> list[Measurer]:
    """Return up to `most` extractors that the jobs with a figure were measured with, in the order of their sha256.

    From each one a leap leads to the next, along an index that holds them in this order.
    """
    found: list[Measurer] = []
    measured = ORDERS[figure].values.is_not(None)
    of_one: Any = select(Job.dataset, Job.result["extractor"]["name"].astext.label("name"))
    while len(found) < most:
        least: Any = wanted.apply(select(func.min(Job.extractor))).where(measured)
        sha256 = connection.scalar(least.where(Job.extractor > found[-1].sha256) if found else least)
        if sha256 is None:
            break
        one = wanted.apply(of_one).where(measured, Job.extractor == sha256)
        job = connection.execute(one.order_by(ORDERS[figure].values, Job.id).limit(1)).one()
        # An extractor that a job has made is called by the id of that job.
        found.append(Measurer(sha256, job.dataset if job.name is None or is_id("job", job.name) else job.name))
    return found


def _extractor(connection: Connection, wanted: JobFilter, column: Column) -> str | None:
    """Return the one extractor that the jobs with a figure were measured with; None if there are none.

    Raises:
        ConflictError: there are several.
    """
    bounds: Any = select(func.min(Job.extractor), func.max(Job.extractor))
    first, last = connection.execute(wanted.apply(bounds).where(column.values.is_not(None))).one()
    if first != last:
        raise ConflictError(RequestFaults.figures_of_one_extractor(first=first, second=last))
    return str(first) if first is not None else None
