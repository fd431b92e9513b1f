"""Retention policies, and what one would take away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from models.views.base import Moment, closed, view


@closed
class RetentionPolicy(TypedDict):
    """What is kept of the ended jobs of one owner's project. A rule that is null does nothing."""

    id: str
    owner: str
    project: str
    keep_checkpoints: int
    checkpoints_after_days: int | None
    grids_after_days: int | None
    failed_after_days: int | None
    ended_after_days: int | None
    created_at: Moment


@closed
class GoesOfJob(TypedDict):
    """A job of which something goes."""

    job: str
    name: str | None
    recipe: str
    objects: int
    bytes: int


@closed
class Goes(TypedDict):
    """What one rule takes away."""

    jobs: int
    objects: int
    bytes: int
    examples: Annotated[list[GoesOfJob], Field(description="The largest, 5 at most.")]


@closed
class RetentionPreview(TypedDict):
    """What a policy would take away now. The files of jobs that move to the trash are in `trash` alone."""

    trash: Annotated[Goes, Field(description="Jobs that move to the trash, with all their files.")]
    checkpoints: Goes
    grids: Goes


def retention_policy_view(row: Mapping[Any, Any]) -> RetentionPolicy:
    """Return the policy of a row."""
    return view(RetentionPolicy, row)
