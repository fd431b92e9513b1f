"""Additions to a list of jobs: newest images, counts, the previous page. Read-only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, RowMapping, func, literal, select, text, tuple_, union_all

from models.rows import Job
from models.states import State
from stores.jobs.filter import JobFilter

# The last image of each job, searched from the end of its files, so that few files are read.
PICTURES = text("""
SELECT job.id AS job, picture.id AS artifact
  FROM unnest(cast(:job_ids AS text[])) AS job (id)
 CROSS JOIN LATERAL (
    SELECT id FROM artifacts
     WHERE job_id = job.id AND kind IN ('grid', 'samples') AND content_type = 'image/png'
     ORDER BY id DESC LIMIT 1) AS picture
""")

# Leaps from project to project along an index, so that the cost is that of the projects, not of their jobs. `%s` is the
# owner's condition.
PROJECTS = """
WITH RECURSIVE found AS (
    (SELECT project FROM jobs WHERE project IS NOT NULL %s ORDER BY project LIMIT 1)
    UNION ALL
    SELECT (SELECT project FROM jobs WHERE project > found.project %s ORDER BY project LIMIT 1)
      FROM found WHERE found.project IS NOT NULL
)
SELECT project FROM found WHERE project IS NOT NULL LIMIT :limit
"""
ALL_PROJECTS = text(PROJECTS.replace("%s", ""))
OWN_PROJECTS = text(PROJECTS.replace("%s", "AND owner = :owner"))


class JobList:
    """Reads many jobs at once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    def pictures(self, job_ids: Sequence[str]) -> dict[str, str]:
        """Return the id of the newest grid or sample of each job that has one."""
        if not job_ids:
            return {}
        with self._engine.connect() as connection:
            rows = connection.execute(PICTURES, {"job_ids": list(job_ids)})
            return {row.job: row.artifact for row in rows}

    def projects(self, owner: str | None, limit: int) -> list[str]:
        """Return the first names of projects that jobs belong to, an owner's or everybody's, in their order."""
        asked = {"limit": limit, **({} if owner is None else {"owner": owner})}
        with self._engine.connect() as connection:
            return list(connection.scalars(ALL_PROJECTS if owner is None else OWN_PROJECTS, asked))

    def at_most(self, wanted: JobFilter, cap: int) -> int:
        """Return how many jobs match a filter, counted up to `cap`."""
        some = wanted.apply(select(literal(1)).select_from(Job)).limit(cap).subquery()
        with self._engine.connect() as connection:
            return connection.scalar(select(func.count()).select_from(some)) or 0

    def by_state(self, wanted: JobFilter, cap: int) -> dict[str, int]:
        """Return how many jobs of each state match a filter of other things, each counted up to `cap`."""
        each = []
        for state in State:
            some = replace(wanted, states=[state]).apply(select(literal(1)).select_from(Job)).limit(cap).subquery()
            count = select(func.count()).select_from(some).scalar_subquery()
            each.append(select(literal(str(state)).label("state"), count.label("count")))
        with self._engine.connect() as connection:
            return {row["state"]: row["count"] for row in connection.execute(union_all(*each)).mappings()}

    def states(self, wanted: JobFilter) -> dict[str, int]:
        """Return how many jobs match a filter, by state. Counts all of them, so use it only on request."""
        query = wanted.apply(select(Job.state, func.count().label("count"))).group_by(Job.state)
        with self._engine.connect() as connection:
            return {row["state"]: row["count"] for row in connection.execute(query).mappings()}

    def newer(self, wanted: JobFilter, than: tuple[datetime, str], distance: int) -> RowMapping | None:
        """Return `created_at` and `id` of the job `distance` positions before another (newest first), if any."""
        query: Any = wanted.apply(select(Job.created_at, Job.id)).where(
            tuple_(Job.created_at, Job.id) > tuple_(literal(than[0]), literal(than[1]))
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(Job.created_at, Job.id).offset(distance - 1).limit(1))
            return rows.mappings().first()
