"""The answer to a dry run: the job as it would be shown, had it been stored."""

from __future__ import annotations

from typing import Any

from models.rows import Job
from models.views import job_view
from stores.submission import NewJob


def plan(new: NewJob) -> dict[str, Any]:
    """Return the job's view; what only a stored job has is null or zero."""
    blank: dict[str, Any] = dict.fromkeys(Job.__table__.columns.keys())
    return job_view({**blank, "progress": {}, "attempt": 0, "last_seq": 0, **vars(new)})
