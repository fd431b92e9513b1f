"""The answer of a dry run, and a job's metrics."""

from __future__ import annotations

from pydantic import Field

from api.schemas.answers.base import Answer
from models.views import Curve, Job
from models.views.base import closed


@closed
class PlannedJob(Job):
    """The answer of a dry run: the job as it would be, without the fields that only a stored job has."""

    id: None  # type: ignore[misc]
    state: None  # type: ignore[misc]
    created_at: None  # type: ignore[misc]


class LogLine(Answer):
    """One line of a job's log."""

    attempt: int
    line: int = Field(description="Its number in the log of the attempt, from 1.")
    text: str
    left_out: int = Field(description="Lines that are missing before it, because the log was too long.")


class Log(Answer):
    """Some lines of a job's log, in order."""

    lines: list[LogLine]
    more: bool = Field(description="Whether there are others: of a search, that match too; else, before these.")


class Curves(Answer):
    """Metrics of a job by name."""

    series: dict[str, Curve]
