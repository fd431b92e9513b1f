"""Retention of ended jobs' data. Rows are deleted in small batches; their objects follow (stores/infra/doomed.py).

A file that an unfinished job was promised stays whatever its age.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Row, Select, delete, func, literal, select, tuple_

from models.rows import Artifact, CurveLevel, Event, Job, Metric, RetentionPolicy
from models.states import EventType
from stores.infra.doomed import delete_artifacts
from stores.infra.sql import seconds
from stores.jobs.checkpoints import not_every_nth, promised
from stores.maintenance.periodic import Round

FILES = 200  # files per round
JOBS = 50  # jobs per round
EVENTS = 20_000  # events per statement
DAY_S = 86_400.0


class Retention:
    """Deletes what the settings no longer keep. Every method is one round and can be repeated at any time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.execution_options(isolation_level="AUTOCOMMIT")

    def thin_checkpoints(self, cursor: str, after_days: float, every: int) -> Round:
        """Thin the checkpoints of the next ended jobs to the latest, the best and each `every`-th.

        Jobs of a project whose retention policy has a rule for checkpoints are left to that policy.
        """
        jobs = self._ended(cursor, after_days)
        if not jobs:
            return Round(cursor=cursor)
        surplus = select(Artifact.id).where(
            Artifact.job_id.in_([job.id for job in jobs]),
            Artifact.job_id.not_in(_with_a_rule_of_their_own()),
            Artifact.kind == "checkpoint",
            Artifact.id.not_in([kept for job in jobs for kept in (job.latest_checkpoint, job.best_checkpoint) if kept]),
            not_every_nth(every),
        )
        done, size = self._remove(surplus)
        return Round(done, size, _place(jobs[-1]), more=len(jobs) == JOBS)

    def remove_old_artifacts(self, days: float) -> Round:
        """Remove files of jobs that ended `days` ago or earlier, oldest first."""
        cutoff = func.now() - seconds(days * DAY_S)
        # A file is older than its job's end, so a walk by age finds it without reading every old job.
        old = (
            select(Artifact.id)
            .join(Job, Job.id == Artifact.job_id)
            .where(Artifact.created_at < cutoff, Job.finished_at < cutoff, ~promised())
            .order_by(Artifact.created_at)
            .limit(FILES)
        )
        done, size = self._remove(old)
        return Round(done, size, more=done == FILES)

    def remove_old_events(self, cursor: str, days: float) -> Round:
        """Delete the curves, and the events except state changes, of jobs that ended `days` ago or earlier.

        The changes of state stay: they are few, they tell the job's life, and the last ends a stream that comes late.
        """
        jobs = self._ended(cursor, days)
        done = 0
        for job in jobs:
            while removed := self._remove_events(job.id):
                done += removed
        return Round(done, 0, _place(jobs[-1]) if jobs else cursor, more=len(jobs) == JOBS)

    def _remove_events(self, job_id: str) -> int:
        told = (Event.job_id == job_id, Event.type != EventType.state)
        some = select(Event.seq).where(*told).order_by(Event.seq).limit(EVENTS)
        with self._engine.begin() as connection:
            connection.execute(delete(Metric).where(Metric.job_id == job_id))
            connection.execute(delete(CurveLevel).where(CurveLevel.job_id == job_id))
            return connection.execute(delete(Event).where(*told, Event.seq.in_(some.scalar_subquery()))).rowcount

    def _ended(self, cursor: str, days: float) -> Sequence[Row[*tuple[Any, ...]]]:
        """Return the next jobs after the cursor, in the order of their end."""
        query = (
            select(Job.id, Job.finished_at, Job.latest_checkpoint, Job.best_checkpoint)
            .where(Job.finished_at < func.now() - seconds(days * DAY_S))
            .order_by(Job.finished_at, Job.id)
            .limit(JOBS)
        )
        if cursor:
            at, _, job_id = cursor.partition(" ")
            query = query.where(tuple_(Job.finished_at, Job.id) > tuple_(literal(datetime.fromisoformat(at)), job_id))
        with self._reader.connect() as connection:
            return connection.execute(query).all()

    def _remove(self, chosen: Select[str]) -> tuple[int, int]:
        """Remove artifacts; return how many there were and their bytes.

        The rows are locked before it is asked whom they are promised to: a job that names one meanwhile comes before,
        and counts, or waits and finds it gone.
        """
        with self._engine.begin() as connection:
            ids = connection.scalars(chosen.with_for_update(of=Artifact, skip_locked=True)).all()
            gone = delete_artifacts(connection, Artifact.id.in_(ids), ~promised())
        return len(gone), sum(row.bytes for row in gone)


def _with_a_rule_of_their_own() -> Select[str]:
    """Select the jobs of projects whose policy says which checkpoints stay."""
    same = (RetentionPolicy.owner == Job.owner) & (RetentionPolicy.project == Job.project)
    mine = select(Job.id).join(RetentionPolicy, same).where(Job.id == Artifact.job_id).correlate(Artifact)
    return mine.where(RetentionPolicy.checkpoints_after_days.is_not(None))


def _place(job: Row[Any]) -> str:
    return f"{job.finished_at.isoformat()} {job.id}"
