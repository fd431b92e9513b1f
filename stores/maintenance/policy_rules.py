"""What retention policies mean in SQL: which jobs move to the trash, and which files go.

A job with a star is left alone by every rule, and so is everything that a job that has not ended needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, not_, or_, select

from models.rows import Artifact, Job
from models.states import ArtifactKind, State
from stores.infra.sql import seconds
from stores.jobs.checkpoints import NEWEST_FIRST, promised

DAY_S = 86_400.0


@dataclass(frozen=True)
class Rules:
    """The rules of a policy. Days count from the end of a job; None: the rule does nothing.

    Attributes:
        keep_checkpoints: how many of the newest checkpoints stay, beside the best and the latest.
        checkpoints_after_days: when the other checkpoints go.
        grids_after_days: when all grids but the newest go.
        failed_after_days: when jobs that failed or were canceled move to the trash.
        ended_after_days: when any ended job moves to the trash.
    """

    keep_checkpoints: int = 1
    checkpoints_after_days: int | None = None
    grids_after_days: int | None = None
    failed_after_days: int | None = None
    ended_after_days: int | None = None

    def days(self) -> list[int]:
        """Return the days of those rules that do something."""
        rules = (self.checkpoints_after_days, self.grids_after_days, self.failed_after_days, self.ended_after_days)
        return [days for days in rules if days is not None]


def concerned(owner: str, project: str, rules: Rules) -> ColumnElement[bool]:
    """Match the ended jobs of a project of which a rule may take something by now."""
    return and_(
        Job.owner == owner,
        Job.project == project,
        Job.trashed_at.is_(None),
        # As the index of starred jobs has it.
        not_(Job.starred.expression),
        _ended(min(rules.days())),
    )


def to_trash(rules: Rules) -> ColumnElement[bool]:
    """Match the jobs among those concerned that move to the trash."""
    conditions = []
    if rules.ended_after_days is not None:
        conditions.append(_ended(rules.ended_after_days))
    if rules.failed_after_days is not None:
        failed = Job.state.in_([State.failed, State.canceled])
        conditions.append(and_(failed, _ended(rules.failed_after_days)))
    return or_(false(), *conditions)


def surplus(rules: Rules, *jobs: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """Select the files of some jobs that no rule keeps: `id`, `job_id`, `kind`, `bytes`.

    `jobs`: which of the jobs are looked at.
    """
    by_age = {ArtifactKind.checkpoint: rules.checkpoints_after_days, ArtifactKind.grid: rules.grids_after_days}
    kinds = [kind for kind, days in by_age.items() if days is not None]
    newest = func.row_number().over(partition_by=(Artifact.job_id, Artifact.kind), order_by=NEWEST_FIRST)
    ranked = (
        select(Artifact.id, newest.label("newest"))
        .join(Job, Job.id == Artifact.job_id)
        .where(*jobs, Artifact.kind.in_(kinds))
        .subquery()
    )
    conditions: list[ColumnElement[bool]] = []
    if rules.checkpoints_after_days is not None:
        conditions.append(
            and_(
                Artifact.kind == ArtifactKind.checkpoint,
                ranked.c.newest > rules.keep_checkpoints,
                Artifact.id.is_distinct_from(Job.best_checkpoint),
                Artifact.id.is_distinct_from(Job.latest_checkpoint),
                _ended(rules.checkpoints_after_days),
            )
        )
    if rules.grids_after_days is not None:
        old = _ended(rules.grids_after_days)
        conditions.append(and_(Artifact.kind == ArtifactKind.grid, ranked.c.newest > 1, old))
    return (
        select(Artifact.id, Artifact.job_id, Artifact.kind, Artifact.bytes)
        .join(ranked, ranked.c.id == Artifact.id)
        .join(Job, Job.id == Artifact.job_id)
        .where(or_(false(), *conditions), ~promised())
    )


def _ended(days: int) -> ColumnElement[bool]:
    """Match jobs that ended so many days ago or earlier. One that was restored has its days once more."""
    cutoff = func.now() - seconds(days * DAY_S)
    return and_(Job.finished_at <= cutoff, func.coalesce(Job.restored_at, Job.finished_at) <= cutoff)
