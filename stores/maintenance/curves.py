"""Levels of curves that were written before there were levels, or by a supervisor of an older version."""

from __future__ import annotations

from sqlalchemy import Engine, func, select

from models.rows import CurveLevel, Job, Metric
from stores.events.curve_levels import add_windows, window_of
from stores.maintenance.periodic import Round

JOBS = 200  # jobs that a round looks at
WINDOWS = 200  # windows that a round makes, or a few more


class Curves:
    """Makes windows of curves. A round may be repeated at any time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.execution_options(isolation_level="AUTOCOMMIT")

    def make_levels(self, cursor: str) -> Round:
        """Make the missing windows of the next jobs. After the last job the first is next."""
        with self._reader.connect() as connection:
            newest = select(func.max(Metric.first_step)).where(Metric.job_id == Job.id).scalar_subquery()
            last = select(CurveLevel.next_step).where(CurveLevel.job_id == Job.id, CurveLevel.level == 1)
            until = last.order_by(CurveLevel.first_step.desc()).limit(1).scalar_subquery()
            query = select(Job.id, newest.label("newest"), func.coalesce(until, 0).label("covered"))
            jobs = connection.execute(query.where(Job.id > cursor).order_by(Job.id).limit(JOBS)).all()
        made = 0
        passed = cursor
        for job in jobs:
            if job.newest is not None and window_of(job.newest) > job.covered:
                while new := self._add_windows(job.id):
                    made += new
                    if made >= WINDOWS:
                        return Round(made, cursor=passed, more=True)
            passed = job.id
        more = len(jobs) == JOBS
        return Round(made, cursor=passed if more else "", more=more)

    def _add_windows(self, job_id: str) -> int:
        """Make some windows of a job in a transaction of its own; none if its supervisor is writing just now."""
        with self._engine.begin() as connection:
            mine = select(Job.id).where(Job.id == job_id).with_for_update(key_share=True, skip_locked=True)
            if connection.scalar(mine) is None:
                return 0
            newest = connection.scalar(select(func.max(Metric.first_step)).where(Metric.job_id == job_id))
            return 0 if newest is None else add_windows(connection, job_id, newest)
