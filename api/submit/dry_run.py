"""The answer to a dry run: the job as it would be shown, had it been stored."""

from __future__ import annotations

from typing import Any

from models.rows import Job
from models.views import job_view
from stores.jobs.insert import NewJob
from stores.schedule.position import Place


def plan(new: NewJob, place: Place) -> dict[str, Any]:
    """Return the job's view, with its place were it sent now; what only a stored job has is null or zero."""
    blank: dict[str, Any] = dict.fromkeys(Job.__table__.columns.keys())
    view = job_view({**blank, "progress": {}, "attempt": 0, "last_seq": 0, **vars(new), "position": place.position})
    return {**view, "eta": place.eta}
