"""Jobs and what belongs to them, in pages. Read-only."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Select, bindparam, extract, func, literal, literal_column, select, text, tuple_

from models import views
from models.job_profile import Shape
from models.messages import Missing
from models.rows import Artifact, Attempt, Job, Queue, Worker
from models.states import State
from models.views import artifact_view, attempt_view, queue_view, worker_view
from stores.fleet.workers import SEEN_TODAY, STATE, is_live, is_running
from stores.infra.errors import NotFoundError
from stores.infra.sql import RAN
from stores.jobs.checkpoints import NEWEST_FIRST
from stores.jobs.filter import JobFilter
from stores.queries.jobs_in_order import JobOrder, JobPlace, Measurer, jobs_in_order, measurers
from stores.schedule.position import Place, foreseen, job_views
from stores.schedule.queue_forecast import Outlook, needs_of_smaller, outlooks


class JobQueries:
    """Reads for the API and the dashboard. `owner` None reads for an admin: everything."""

    def __init__(self, engine: Engine, alive_s: float) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._alive_s = alive_s

    def job(self, job_id: str, owner: str | None) -> views.Job:
        """Return one job.

        Raises:
            NotFoundError: there is none, or it is somebody else's.
        """
        asked = {"job_id": job_id, **({} if owner is None else {"owner": owner})}
        with self._engine.connect() as connection:
            row = connection.execute(_one_job(owner is None), asked).mappings().first()
            if row is None:
                raise NotFoundError(Missing.no_job(job=job_id))
            return job_views(connection, [row], self._alive_s)[0]

    def jobs_by_id(self, job_ids: Sequence[str], owner: str | None) -> dict[str, views.Job]:
        """Return those of these jobs that are there, by their ids, read at once; those in the trash too."""
        every = JobFilter(owner=owner, trashed=None)
        query = every.apply(select(*Job.__table__.columns).where(Job.id.in_(list(job_ids))))
        with self._engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
            return {job["id"]: job for job in job_views(connection, rows, self._alive_s)}

    def jobs(
        self, wanted: JobFilter, limit: int, after: tuple[datetime, str] | None, *, oldest_first: bool = False
    ) -> list[views.Job]:
        """Return up to `limit` jobs, newest first, starting after a position: (created_at, id)."""
        order = (Job.created_at, Job.id) if oldest_first else (Job.created_at.desc(), Job.id.desc())
        query = wanted.apply(select(*Job.__table__.columns)).order_by(*order).limit(limit)
        if after is not None:
            here, place = tuple_(Job.created_at, Job.id), tuple_(literal(after[0]), literal(after[1]))
            query = query.where(here > place if oldest_first else here < place)
        with self._engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
            return job_views(connection, rows, self._alive_s)

    def jobs_in_order(self, wanted: JobFilter, order: JobOrder, limit: int, after: JobPlace | None) -> list[views.Job]:
        """Return up to `limit` jobs in an order; those that lack what it compares come last, newest first.

        Raises:
            ConflictError: the order is that of a figure, and jobs were measured with different extractors.
        """
        with self._engine.connect() as connection:
            return job_views(connection, jobs_in_order(connection, wanted, order, limit, after), self._alive_s)

    def measurers(self, wanted: JobFilter, figure: str, most: int) -> list[Measurer]:
        """Return up to `most` extractors that the jobs with a figure were measured with."""
        with self._engine.connect() as connection:
            return measurers(connection, wanted, figure, most)

    def dataset_id(self, job_id: str) -> str | None:
        """Return the id of the data set that a job was made for; it may be deleted since."""
        with self._engine.connect() as connection:
            return connection.scalar(select(Job.dataset_id).where(Job.id == job_id))

    def attempts(self, job_id: str) -> list[views.Attempt]:
        """Return the attempts at a job, first to last."""
        query = select(*Attempt.__table__.columns).where(Attempt.job_id == job_id).order_by(Attempt.number)
        with self._engine.connect() as connection:
            return [attempt_view(row) for row in connection.execute(query).mappings()]

    def run_seconds(self, job_ids: Sequence[str]) -> dict[str, float | None]:
        """Return how long the attempts at each of these jobs took together, up to now; None before the first."""
        took = extract("epoch", literal_column(RAN))
        query = select(Attempt.job_id, took).where(Attempt.job_id.in_(list(job_ids))).group_by(Attempt.job_id)
        found: dict[str, float | None] = dict.fromkeys(job_ids)
        with self._engine.connect() as connection:
            found |= {job_id: float(seconds) for job_id, seconds in connection.execute(query)}
        return found

    def artifacts(self, job_id: str, kinds: Sequence[str], limit: int, after: str | None) -> list[views.Artifact]:
        """Return up to `limit` artifacts of a job in the order they were made, after an id."""
        query = select(*Artifact.__table__.columns).where(Artifact.job_id == job_id)
        if kinds:
            query = query.where(Artifact.kind.in_(list(kinds)))
        if after is not None:
            query = query.where(Artifact.id > after)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(Artifact.id).limit(limit)).mappings()
            return [artifact_view(row) for row in rows]

    def artifact(self, artifact_id: str, owner: str | None) -> tuple[views.Artifact, str]:
        """Return an artifact and the key of its object.

        Raises:
            NotFoundError: there is none, or it is somebody else's.
        """
        query = (
            select(*Artifact.__table__.columns)
            .join(Job, Job.id == Artifact.job_id)
            .where(Artifact.id == artifact_id, Job.purged_at.is_(None))
        )
        if owner is not None:
            query = query.where(Job.owner == owner)
        with self._engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            raise NotFoundError(Missing.no_artifact(artifact=artifact_id))
        return artifact_view(row), row["object_key"]

    def checkpoint(self, job_id: str, wanted: str, owner: str | None) -> views.Artifact | None:
        """Return the checkpoint of a job named by `best`, `latest` or an artifact id, None if there is none.

        Raises:
            NotFoundError: there is no such job, or it is somebody else's.
        """
        job = JobFilter(owner=owner, trashed=None).apply(
            select(Job.best_checkpoint, Job.latest_checkpoint).where(Job.id == job_id)
        )
        with self._engine.connect() as connection:
            row = connection.execute(job).first()
            if row is None:
                raise NotFoundError(Missing.no_job(job=job_id))
            best = row.best_checkpoint or row.latest_checkpoint
            artifact_id = {"best": best, "latest": row.latest_checkpoint}.get(wanted, wanted)
            found = (
                connection.execute(
                    select(*Artifact.__table__.columns).where(
                        Artifact.id == artifact_id, Artifact.job_id == job_id, Artifact.kind == "checkpoint"
                    )
                )
                .mappings()
                .first()
            )
        return None if found is None else artifact_view(found)

    def checkpoints(self, job_id: str) -> list[views.Artifact]:
        """Return a job's checkpoints, newest first."""
        mine = (Artifact.job_id == job_id, Artifact.kind == "checkpoint")
        query = select(*Artifact.__table__.columns).where(*mine).order_by(*NEWEST_FIRST)
        with self._engine.connect() as connection:
            return [artifact_view(row) for row in connection.execute(query).mappings()]

    def queues(self, alive_s: float) -> list[views.Queue]:
        """Return each queue with its depth, running jobs, longest wait in seconds, and live workers."""
        # Each half walks its own index, which holds only waiting or only running jobs.
        waiting = (
            select(Job.queue, func.count().label("depth"), func.min(Job.ordered_at).label("oldest"))
            .where(Job.state == State.queued)
            .group_by(Job.queue)
            .subquery()
        )
        busy = (
            select(Job.queue, func.count().label("running"))
            .where(Job.state == State.running)
            .group_by(Job.queue)
            .subquery()
        )
        live = (
            select(Worker.queue, func.count().label("workers"))
            .where(is_running(alive_s))
            .group_by(Worker.queue)
            .subquery()
        )
        query = (
            select(
                Queue.name,
                Queue.paused,
                func.coalesce(waiting.c.depth, 0).label("depth"),
                func.coalesce(busy.c.running, 0).label("running"),
                func.extract("epoch", func.now() - waiting.c.oldest).label("oldest_wait_s"),
                func.coalesce(live.c.workers, 0).label("workers"),
            )
            .outerjoin(waiting, waiting.c.queue == Queue.name)
            .outerjoin(busy, busy.c.queue == Queue.name)
            .outerjoin(live, live.c.queue == Queue.name)
            .order_by(Queue.name)
        )
        with self._engine.connect() as connection:
            return [queue_view(row) for row in connection.execute(query).mappings()]

    def workers(self, alive_s: float) -> list[views.Worker]:
        """Return the workers that run or ran within the last day, with their state and current job."""
        current = select(Job.id).where(Job.worker_id == Worker.id, Job.state == State.running).limit(1)
        state = text(f"{STATE} AS state").bindparams(alive_s=alive_s)
        query = (
            select(*Worker.__table__.columns, state, current.scalar_subquery().label("job"))
            .where(text(SEEN_TODAY))
            .order_by(Worker.id)
        )
        with self._engine.connect() as connection:
            return [worker_view(row) for row in connection.execute(query).mappings()]

    def foresee(self, new: Mapping[str, Any]) -> Place:
        """Return where a job would stand, were it stored now, and when it may have ended."""
        with self._engine.connect() as connection:
            return foreseen(connection, new, self._alive_s)

    def outlooks(self, queues: Sequence[str], shape: Shape | None, images: int | None) -> dict[str, Outlook]:
        """Return what a new job would find in each of these queues."""
        with self._engine.connect() as connection:
            return outlooks(connection, queues, shape, images, alive_s=self._alive_s)

    def needs_of_smaller(
        self, queues: Sequence[str], shape: Shape, batches: Sequence[int]
    ) -> dict[tuple[str, int], int]:
        """Return the bytes that a job would need with each of these batch sizes, by queue and size, where known."""
        with self._engine.connect() as connection:
            return needs_of_smaller(connection, queues, shape, batches)

    def live_queues(self, alive_s: float) -> set[str]:
        """Return the queues that a live worker serves now."""
        with self._engine.connect() as connection:
            return set(connection.scalars(select(Worker.queue).where(is_live(alive_s)).distinct()))


@functools.cache
def _one_job(everybodys: bool) -> Select[Any]:
    query = select(*Job.__table__.columns).where(Job.id == bindparam("job_id"), Job.purged_at.is_(None))
    return query if everybodys else query.where(Job.owner == bindparam("owner"))
