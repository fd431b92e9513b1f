"""The answer to a dry run: the job as it would be shown, had it been stored."""

from __future__ import annotations

from typing import Any

from models import views
from models.rows import Job
from models.views import job_view
from stores.jobs.insert import NewJob
from stores.schedule.position import Place


def plan(new: NewJob, place: Place) -> views.Job:
    """Return the job's view, with its place were it sent now; what only a stored job has is null or zero."""
    blank: dict[str, Any] = dict.fromkeys(Job.__table__.columns.keys())
    return job_view({**blank, "progress": {}, "attempt": 0, "last_seq": 0, **vars(new)}, place.position, place.eta)
