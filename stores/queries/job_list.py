"""What a list of jobs shows beside the jobs: their newest pictures, how many there are, the way back. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, RowMapping, func, literal, select, text, tuple_

from models.rows import Job
from stores.jobs.filter import JobFilter

# Of each job the last picture, found from the end of its files; however many it has left, few of them are looked at.
PICTURES = text("""
SELECT job.id AS job, picture.id AS artifact
  FROM unnest(cast(:job_ids AS text[])) AS job (id)
 CROSS JOIN LATERAL (
    SELECT id FROM artifacts
     WHERE job_id = job.id AND kind IN ('grid', 'samples') AND content_type = 'image/png'
     ORDER BY id DESC LIMIT 1) AS picture
""")


class Listing:
    """Looks at many jobs at once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    def pictures(self, job_ids: Sequence[str]) -> dict[str, str]:
        """Return the id of the newest grid, or drawn sample, of each job that has one."""
        if not job_ids:
            return {}
        with self._engine.connect() as connection:
            rows = connection.execute(PICTURES, {"job_ids": list(job_ids)})
            return {row.job: row.artifact for row in rows}

    def at_most(self, wanted: JobFilter, cap: int) -> int:
        """Return how many jobs a filter lets through, counted no further than `cap`."""
        some = wanted.apply(select(literal(1)).select_from(Job)).limit(cap).subquery()
        with self._engine.connect() as connection:
            return connection.scalar(select(func.count()).select_from(some)) or 0

    def states(self, wanted: JobFilter) -> dict[str, int]:
        """Return how many jobs a filter lets through, by state. Counts them all: for when somebody asks."""
        query = wanted.apply(select(Job.state, func.count().label("count"))).group_by(Job.state)
        with self._engine.connect() as connection:
            return {row["state"]: row["count"] for row in connection.execute(query).mappings()}

    def newer(self, wanted: JobFilter, than: tuple[datetime, str], distance: int) -> RowMapping | None:
        """Return `created_at` and `id` of the job so many places before another, newest first; None: not so many."""
        query: Any = wanted.apply(select(Job.created_at, Job.id)).where(
            tuple_(Job.created_at, Job.id) > tuple_(literal(than[0]), literal(than[1]))
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(Job.created_at, Job.id).offset(distance - 1).limit(1))
            return rows.mappings().first()
