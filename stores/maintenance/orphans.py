"""Orphans on both sides: objects without a row, and rows whose object is gone.

An object without a row is what a crash between the two leaves. It goes when
it is old enough that nobody can be about to write its row. A row without its object is a loss: it is marked,
counted on the metrics page and told in the log, once, and unmarked when the object is there again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import Engine, func, select, tuple_, update

from models.rows import Artifact, Dataset, Job
from models.states import State
from stores.infra.blobs import Blobs, Stored
from stores.maintenance.periodic import Round

log = structlog.get_logger(__name__)

OBJECTS = 1000  # objects per round
ROWS = 500  # rows per round
JOBS, DATASETS = "jobs/", "datasets/"


class Orphans:
    """Compares the store's list with the rows, page by page. Every method is one round and can be repeated."""

    def __init__(self, engine: Engine, blobs: Blobs) -> None:
        self._reader = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._blobs = blobs

    def remove_objects(self, cursor: str, age_s: float) -> Round:
        """Remove objects after the cursor that have no row and are older than `age_s` seconds.

        Only keys that this service makes are looked at: a bucket may be shared.

        Raises:
            BlobError: the object store does not answer.
        """
        prefix = JOBS if cursor.startswith(JOBS) else DATASETS
        page = self._blobs.page(prefix, cursor, OBJECTS)
        oldest = datetime.now(UTC) - timedelta(seconds=age_s)
        old = [one for one in page if one.at < oldest]
        named = self._named_files(old) if prefix == JOBS else self._named_datasets(old)
        orphans = [one for one in old if one.key not in named]
        for one in orphans:
            self._blobs.remove(one.key)
            log.info("orphan_removed", key=one.key, bytes=one.bytes)
        # First the objects of data sets, then those of jobs, then from the start again.
        behind = JOBS if prefix == DATASETS else ""
        place = page[-1].key if len(page) == OBJECTS else behind
        return Round(len(orphans), sum(one.bytes for one in orphans), place, more=bool(place))

    def _named_files(self, objects: Sequence[Stored]) -> Collection[str]:
        """Return the keys to keep: those with a row, and all keys of running jobs, whose rows may still come.

        A supervisor that had to wait for the database may write the row of an object of any age, but only while it
        holds its job. The job's state and the row are read in one statement, so it can't do so in between.
        """
        keys = [one.key for one in objects]
        jobs = {one.key.split("/")[1] for one in objects}
        running = select(Job.id.label("found")).where(Job.id.in_(jobs), Job.state == State.running)
        rows = select(Artifact.object_key.label("found")).where(Artifact.object_key.in_(keys))
        with self._reader.connect() as connection:
            found = set(connection.scalars(rows.union_all(running)))
        return {key for key in keys if key in found or key.split("/")[1] in found}

    def _named_datasets(self, objects: Sequence[Stored]) -> Collection[str]:
        keys = [one.key for one in objects]
        ids = {key.split("/")[1] for key in keys}
        rows = select(Dataset.object_key, Dataset.preview_key).where(Dataset.id.in_(ids), Dataset.deleted_at.is_(None))
        with self._reader.connect() as connection:
            return {key for row in connection.execute(rows) for key in row if key is not None}

    def mark_missing(self, cursor: str) -> Round:
        """Check the objects of the next artifacts; mark rows whose object is gone.

        The rows are read first, then the store is asked, then the rows are marked if they are still there: an object is
        removed only after its row, so one that was pruned meanwhile is never marked.

        Raises:
            BlobError: the object store does not answer.
        """
        job, _, artifact = cursor.partition(" ")
        query = (
            select(Artifact.id, Artifact.job_id, Artifact.object_key, Artifact.missing_since)
            .where(tuple_(Artifact.job_id, Artifact.id) > tuple_(job, artifact))
            .order_by(Artifact.job_id, Artifact.id)
            .limit(ROWS)
        )
        with self._reader.connect() as connection:
            rows = connection.execute(query).all()
        stored = {key for job_id in dict.fromkeys(row.job_id for row in rows) for key in self._keys_of(job_id)}
        lost = [row for row in rows if row.object_key not in stored]
        self._mark([row.id for row in lost if row.missing_since is None])
        self._unmark([row.id for row in rows if row.missing_since is not None and row.object_key in stored])
        more = len(rows) == ROWS
        place = f"{rows[-1].job_id} {rows[-1].id}" if more else ""
        return Round(len(rows), cursor=place, more=more)

    def _keys_of(self, job_id: str) -> set[str]:
        keys: set[str] = set()
        after = ""
        while page := self._blobs.page(f"{JOBS}{job_id}/", after, OBJECTS):
            keys |= {one.key for one in page}
            after = page[-1].key
        return keys

    def _mark(self, ids: Sequence[str]) -> None:
        if not ids:
            return
        marked = (
            update(Artifact)
            .where(Artifact.id.in_(ids), Artifact.missing_since.is_(None))
            .values(missing_since=func.now())
            .returning(Artifact.id, Artifact.job_id, Artifact.kind, Artifact.object_key)
        )
        with self._reader.connect() as connection:
            for row in connection.execute(marked):
                log.error("artifact_missing", job=row.job_id, artifact=row.id, kind=row.kind, key=row.object_key)

    def _unmark(self, ids: Sequence[str]) -> None:
        if not ids:
            return
        with self._reader.connect() as connection:
            connection.execute(update(Artifact).where(Artifact.id.in_(ids)).values(missing_since=None))
        log.info("artifacts_found_again", artifacts=list(ids))
