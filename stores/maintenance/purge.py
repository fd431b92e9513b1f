"""Removes the rows of jobs that were deleted for good (stores/jobs/trash.py), some thousands in a transaction.

First the rows that refer to a job, with its files in the outbox (stores/infra/doomed.py), then what other jobs say of
it, and last its own row: killed anywhere, the next round goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from sqlalchemy import Engine, Table, delete, select, tuple_, update

from models.rows import Artifact, Attempt, CurveLevel, Event, Extractor, Job, Metric, Share
from stores.infra.doomed import delete_artifacts
from stores.infra.failpoints import reach
from stores.jobs import counted
from stores.maintenance.periodic import Round

JOBS = 100  # jobs per round
ROWS = 5000  # rows per statement

# Every table that refers to jobs stands in one of these (tests/stores/maintenance/test_purge.py compares them with all
# foreign keys). These rows go first, in this order: what refers to another comes before it.
DELETED: tuple[tuple[type, str], ...] = (
    (Event, "job_id"),
    (Metric, "job_id"),
    (CurveLevel, "job_id"),
    (Extractor, "job_id"),
    (Share, "job_id"),
)
# Columns that forget the job.
FORGOTTEN: tuple[tuple[type, str], ...] = ((Job, "parent"), (Job, "waits_for"))
# These go in a way of their own: files with their objects, attempts with the job's own row, since both are counted.
COUNTED: tuple[tuple[type, str], ...] = ((Artifact, "job_id"), (Attempt, "job_id"))


class Purge:
    """Removes purged jobs. A round may be repeated at any time, and two sweepers may do it at once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.execution_options(isolation_level="AUTOCOMMIT")

    def remove(self) -> Round:
        """Remove the next purged jobs, with everything that is theirs."""
        # What is purged is in the trash, of which there is an index.
        purged = select(Job.id).where(Job.trashed_at.is_not(None), Job.purged_at.is_not(None))
        with self._reader.connect() as connection:
            ids = list(connection.scalars(purged.order_by(Job.trashed_at, Job.id).limit(JOBS)))
        if not ids:
            return Round()
        for table, column in DELETED:
            while self._delete(cast(Table, table.__table__), column, ids):  # type: ignore[attr-defined]
                pass
        size = 0
        while gone := self._delete_files(ids):
            size += sum(gone)
        for table, column in FORGOTTEN:
            self._forget(cast(Table, table.__table__), column, ids)  # type: ignore[attr-defined]
        return Round(self._delete_jobs(ids), size, more=len(ids) == JOBS)

    def _delete(self, table: Table, column: str, ids: Sequence[str]) -> bool:
        """Delete some rows; return whether there may be more."""
        key = tuple_(*table.primary_key.columns)
        some = select(*table.primary_key.columns).where(table.c[column].in_(ids)).limit(ROWS)
        with self._engine.begin() as connection:
            return connection.execute(delete(table).where(key.in_(some))).rowcount == ROWS

    def _delete_files(self, ids: Sequence[str]) -> list[int]:
        """Delete some artifacts and have their objects removed; return the bytes of each."""
        some = select(Artifact.id).where(Artifact.job_id.in_(ids)).order_by(Artifact.id).limit(ROWS).with_for_update()
        with self._engine.begin() as connection:
            gone = delete_artifacts(connection, Artifact.id.in_(connection.scalars(some).all()))
            reach("purging")
        return [row.bytes for row in gone]

    def _forget(self, table: Table, column: str, ids: Sequence[str]) -> None:
        key = table.primary_key.columns
        (name,) = key.keys()
        # Locked in the order in which orders to many jobs lock them.
        named = select(*key).where(table.c[column].in_(ids)).order_by(*key).with_for_update(key_share=True)
        with self._engine.begin() as connection:
            locked = connection.scalars(named).all()
            connection.execute(update(table).where(table.c[name].in_(locked)).values({column: None}))

    def _delete_jobs(self, ids: Sequence[str]) -> int:
        """Delete the rows of jobs and attempts; return of how many jobs."""
        mine = select(Job.id).where(Job.id.in_(ids)).order_by(Job.id).with_for_update(skip_locked=True)
        with self._engine.begin() as connection:
            locked = list(connection.scalars(mine))
            counted.keep(connection, locked)
            connection.execute(delete(Attempt).where(Attempt.job_id.in_(locked)))
            return connection.execute(delete(Job).where(Job.id.in_(locked))).rowcount
