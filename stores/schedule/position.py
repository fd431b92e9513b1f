"""Where waiting jobs stand in their queue, and when they may have ended.

The position of a job is the number of claims until it is taken, while nothing new comes and nothing ends. Up to EXACT,
these claims are repeated in memory, in the order that real claims follow (stores/schedule/fair_share.py). Further back
the position is an estimate: owners take turns, so about as many jobs of every other owner are in front as of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Connection, TextClause, bindparam, select

from models.rows import Job as JobRow
from models.states import State
from models.views import Eta, Job, job_view, rfc3339
from stores.schedule.awaited import awaiting, with_reason
from stores.schedule.fair_share import Seconds, WaitingJob, jobs_in_turn
from stores.schedule.lines import Asked, Line, read_lines
from stores.schedule.waiting_line import EXACT, FIRST, NEW, POSITION_CAP, STORED, UNKNOWN_HIGH, UNKNOWN_LOW

BY_ID = select(*JobRow.__table__.columns).where(JobRow.id.in_(bindparam("ids", expanding=True)))
# No estimate is further than this, about ten years: dates have an end.
FAR_OFF_S = 3e8


@dataclass(frozen=True)
class Place:
    """Where a waiting job stands: 1 runs next. `eta` is null while nothing is known to estimate from."""

    position: int
    eta: Eta | None


def places(connection: Connection, waiting: Sequence[Mapping[Any, Any]], alive_s: float) -> dict[Any, Place]:
    """Return the places of these queued jobs by their ids, in one statement. A job that was just taken has none."""
    if not waiting:
        return {}
    return _places(connection, STORED, alive_s, ids=[row["id"] for row in waiting])


def foreseen(connection: Connection, new: Mapping[str, Any], alive_s: float) -> Place:
    """Return the place that a job would have, were it stored now. `new` has owner, priority, queue, shape, images."""
    asked = {name: new[name] for name in ("owner", "priority", "queue", "shape", "images")}
    return _places(connection, NEW, alive_s, **asked)[None]


def first_places(connection: Connection, queue: str, first: int, alive_s: float) -> dict[Any, Place]:
    """Return the places of the first jobs of a queue by their ids, in the order in which they are taken."""
    return {
        job.id: Place(position, _eta(line, job, ahead))
        for line in read_lines(connection, FIRST, alive_s, queue=queue, first=first)
        for position, job, ahead in _claims(line, first)
    }


def job_views(connection: Connection, rows: Sequence[Mapping[Any, Any]], alive_s: float) -> list[Job]:
    """Return the views of stored jobs; those that wait with their place and what is known of their end.

    A job that was queued when its row was read may be claimed before its place is read. Its row is then read again, so
    that no job is shown as queued without a position.
    """
    current = {row["id"]: row for row in rows}
    found = places(connection, _queued(rows), alive_s)
    moved = [row["id"] for row in _queued(rows) if row["id"] not in found]
    if moved:
        again = connection.execute(BY_ID, {"ids": moved}).mappings().all()
        current |= {row["id"]: row for row in again}
        # It may wait again already: its first attempt failed, or somebody paused and resumed it.
        found |= places(connection, _queued(again), alive_s)
    shown = [_view(current[row["id"]], found.get(row["id"])) for row in rows]
    waiting = awaiting(connection, _queued(list(current.values())))
    return [with_reason(job) if job["id"] in waiting else job for job in shown]


def _queued(rows: Sequence[Mapping[Any, Any]]) -> list[Mapping[Any, Any]]:
    return [row for row in rows if row["state"] == State.queued]


def _view(row: Mapping[Any, Any], place: Place | None) -> Job:
    return job_view(row) if place is None else job_view(row, place.position, place.eta)


def _places(connection: Connection, statement: TextClause, alive_s: float, **asked: Any) -> dict[Any, Place]:
    found: dict[Any, Place] = {}
    for line in read_lines(connection, statement, alive_s, **asked):
        wanted = {one.job.id: one for one in line.asked}
        for position, job, ahead in _claims(line, EXACT):
            if wanted.pop(job.id, None) is not None:
                found[job.id] = Place(position, _eta(line, job, ahead))
            if not wanted:
                break
        found |= {one.job.id: _about(line, one) for one in wanted.values()}
    return found


def _claims(line: Line, count: int) -> Iterator[tuple[int, WaitingJob, Seconds | None]]:
    """Yield the first jobs that are taken: the position, the job, and the seconds of all jobs in front of it."""
    ahead: Seconds | None = (0, 0, 0)
    for position, job in enumerate(islice(jobs_in_turn(line.owners, line.workers), count), 1):
        yield position, job, ahead
        ahead = None if ahead is None or job.seconds is None else _sum([ahead, job.seconds])


def _about(line: Line, asked: Asked) -> Place:
    """Return the estimate for a job behind the exact positions, with jobs in front as are typical of the queue."""
    position = min(max(asked.about, EXACT + 1), POSITION_CAP + 1)
    each = line.typical_s
    ahead = None if each is None else (each, UNKNOWN_LOW * each, UNKNOWN_HIGH * each)
    return Place(position, _eta(line, asked.job, ahead and _sum([ahead] * (position - 1))))


def _eta(line: Line, job: WaitingJob, ahead: Seconds | None) -> Eta | None:
    """Return when a job may have ended: those in front shared among the workers, then its own run."""
    running = [seconds for seconds in line.running if seconds is not None]
    if not line.workers or not job.known or job.seconds is None or ahead is None or len(running) < len(line.running):
        return None
    # A worker without a job takes the first in line at once, however long the others still run.
    busy = _sum(running) if len(running) >= line.workers else (0, 0, 0)
    now = datetime.now(UTC)
    at, low, high = (
        rfc3339(now + timedelta(seconds=min((in_front + left) / line.workers + own, FAR_OFF_S)))
        for in_front, left, own in zip(ahead, busy, job.seconds, strict=True)
    )
    return Eta(at=at, low=low, high=high)


def _sum(jobs: Sequence[Seconds]) -> Seconds:
    likely, low, high = (sum(column) for column in zip((0, 0, 0), *jobs, strict=True))
    return likely, low, high
