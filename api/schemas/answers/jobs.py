"""The answer of a dry run, and a job's metrics."""

from __future__ import annotations

from api.schemas.answers.base import Answer
from models.views import Curve, Job
from models.views.base import closed


@closed
class PlannedJob(Job):
    """The answer of a dry run: the job as it would be, without the fields that only a stored job has."""

    id: None  # type: ignore[misc]
    state: None  # type: ignore[misc]
    created_at: None  # type: ignore[misc]


class Curves(Answer):
    """Metrics of a job by name."""

    series: dict[str, Curve]
