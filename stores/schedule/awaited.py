"""Queued jobs that wait for another job, which makes the extractor of their data set.

That they wait is read with them and not stored: it is over when the other job ends, whatever ends it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, text

from models.messages import Reasons
from models.states import NO_LIVE_WORKER
from models.views import Job
from stores.infra.sql import AWAITED_ENDED

AWAITING = text(f"SELECT id FROM jobs WHERE id = ANY(:ids) AND NOT {AWAITED_ENDED}")  # noqa: S608 - of this program


def awaiting(connection: Connection, queued: Sequence[Mapping[Any, Any]]) -> set[str]:
    """Return the ids of those rows of queued jobs whose other job has not ended."""
    ids = [row["id"] for row in queued if row["waits_for"] is not None]
    return set(connection.scalars(AWAITING, {"ids": ids})) if ids else set()


def with_reason(job: Job) -> Job:
    """Return the view of a job that waits for another one, with that as its reason.

    That no worker serves its queue comes first: the other job does not run either.
    """
    if job["reason"] == NO_LIVE_WORKER:
        return job
    why = Reasons.awaits_extractor(name=job["dataset"], job=job["waits_for"])
    return {**job, "reason": str(why), "reason_text": {"code": why.code, "params": why.as_json()["params"]}}
