"""The order of one owner's jobs: by `ordered_at`, which is when a job was created unless its owner moves it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, select

from models.rows import Job
from models.states import State

NEXT_TO = timedelta(microseconds=1)


def place_among(connection: Connection, job: Row[Any], priority: int, order: str) -> datetime:
    """Return the `ordered_at` that makes a job the first or last of its owner's waiting jobs of this priority."""
    others = (
        Job.owner == job.owner,
        Job.queue == job.queue,
        Job.priority == priority,
        Job.state == State.queued.value,
        Job.id != job.id,
    )
    row = connection.execute(select(func.min(Job.ordered_at), func.max(Job.ordered_at)).where(*others)).one()
    own: datetime = job.ordered_at
    earliest, latest = row
    if earliest is None:
        return own
    # A job that is first or last already stays where it is.
    if order == "first":
        return own if own < earliest else earliest - NEXT_TO
    return own if own > latest else latest + NEXT_TO
