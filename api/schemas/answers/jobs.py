"""A job that is only planned, and the metrics of one that runs."""

from __future__ import annotations

from api.schemas.answers.base import Answer
from models.views import Curve, Job
from models.views.base import closed


@closed
class PlannedJob(Job):
    """What a dry run answers: the job as it would be were it sent now, without what only a stored one has."""

    id: None  # type: ignore[misc]
    state: None  # type: ignore[misc]
    created_at: None  # type: ignore[misc]


class Curves(Answer):
    """Metrics of a job by name."""

    series: dict[str, Curve]
