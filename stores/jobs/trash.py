"""The trash: ended jobs are moved there, restored from it, and deleted for good.

Each is one transaction with its lines in the audit. A job in the trash keeps its rows and files; lists, counts and
quotas leave it out. Who deletes a job for good only marks it: from then on nobody sees it, and the sweeper removes its
rows and files (stores/maintenance/purge.py).

The rows are locked against foreign keys too. A job that is being stored and needs one of them (stores/jobs/insert.py)
comes before, and keeps it from being deleted, or waits and finds it deleted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, func, select, update

from models.messages import Message, Missing, OrderFaults, word
from models.rows import Artifact, Job
from models.states import TERMINAL, State
from stores.accounts.audit import Entry, Local, Requester, record
from stores.accounts.keys import Principal
from stores.accounts.quotas import Guard, Quotas
from stores.infra.errors import ConflictError, NotFoundError, QuotaError
from stores.infra.sql import seconds
from stores.jobs.batches import Problem, Tally, batches
from stores.jobs.filter import JobFilter
from stores.jobs.needed_jobs import who_needs
from stores.jobs.verbs import VERBS

DAY_S = 86_400.0
EXPIRED = 500  # jobs that one round deletes for good


class Trash:
    """Deletes and restores jobs. What is in the trash longer than `days` is gone for restoring."""

    def __init__(self, engine: Engine, guard: Guard, days: float) -> None:
        self._engine = engine
        self._guard = guard
        self._days = days

    def delete(self, job_id: str, who: Requester) -> None:
        """Move an ended job to the trash. One that is there already stays.

        Raises:
            NotFoundError: there is none, or it is somebody else's.
            ConflictError: it has not ended, or a job that has not ended needs it.
        """
        with self._engine.begin() as connection:
            job = self._deletable(connection, job_id, who)
            if job.trashed_at is None:
                _move(connection, [job], who)

    def restore(self, job_id: str, who: Requester) -> None:
        """Take a job out of the trash. One that is not there stays as it is.

        Raises:
            NotFoundError: there is none, it is somebody else's, or its time in the trash is over.
            QuotaError: with its files the owner would store more than this key allows.
        """
        with self._engine.begin() as connection:
            # Locked as for any change. The quota's lock comes after those of jobs.
            job = self._one(connection, job_id, who, changes_only=True)
            if job.trashed_at is None:
                return
            _, refused = self._restored(connection, [job], who)
        if job.expired:
            raise NotFoundError(Missing.no_job(job=job_id))
        if refused:
            raise QuotaError(refused[0][1], stored=True)

    def purge(self, job_id: str, who: Requester) -> None:
        """Delete an ended job for good, whether it is in the trash or not.

        Raises:
            NotFoundError: there is none, or it is somebody else's.
            ConflictError: it has not ended, or a job that has not ended needs it.
        """
        with self._engine.begin() as connection:
            _purge(connection, [self._deletable(connection, job_id, who)], who)

    # -- many at once

    def delete_all(self, job_ids: Sequence[str], who: Requester) -> tuple[Tally, list[Problem]]:
        """Move many ended jobs to the trash. Returns the counts, and which jobs others need."""
        changed = 0
        problems: list[Problem] = []
        for some in batches(job_ids):
            with self._engine.begin() as connection:
                jobs = [job for job in self._locked(connection, some, who) if _ended(job) and job.trashed_at is None]
                needed = who_needs(connection, [job.id for job in jobs])
                problems += [(job_id, OrderFaults.job_needed(job=by)) for job_id, by in needed.items()]
                changed += _move(connection, [job for job in jobs if job.id not in needed], who)
        return Tally(changed, len(job_ids) - changed), problems

    def restore_all(self, job_ids: Sequence[str], who: Requester) -> tuple[Tally, list[Problem]]:
        """Take many jobs out of the trash. Returns the counts, and which jobs the owner's quota has no room for."""
        changed = 0
        problems: list[Problem] = []
        for some in batches(job_ids):
            with self._engine.begin() as connection:
                jobs = self._locked(connection, some, who, changes_only=True)
                restored, refused = self._restored(connection, [job for job in jobs if job.trashed_at is not None], who)
            changed += restored
            problems += refused
        return Tally(changed, len(job_ids) - changed), problems

    def purge_all(self, job_ids: Sequence[str], who: Requester) -> Tally:
        """Delete many jobs for good. Only those in the trash are."""
        changed = 0
        for some in batches(job_ids):
            with self._engine.begin() as connection:
                jobs = [job for job in self._locked(connection, some, who) if job.trashed_at is not None]
                changed += _purge(connection, jobs, who)
        return Tally(changed, len(job_ids) - changed)

    # -- the sweeper's side

    def purge_expired(self) -> int:
        """Delete some of the jobs for good whose time in the trash is over; return how many.

        The audit names their owners, without a key.
        """
        over = Job.trashed_at < func.now() - seconds(self._days * DAY_S)
        some = select(Job.id, Job.owner, Job.trashed_at).where(over, Job.purged_at.is_(None)).order_by(Job.trashed_at)
        with self._engine.begin() as connection:
            jobs: list[Any] = list(connection.execute(some.limit(EXPIRED).with_for_update(skip_locked=True)))
            for owner in sorted({job.owner for job in jobs}):
                _purge(connection, [job for job in jobs if job.owner == owner], Local(owner))
        return len(jobs)

    @staticmethod
    def delete_by_policy(
        connection: Connection, job_ids: Sequence[str], condition: ColumnElement[bool], owner: Requester, policy: str
    ) -> int:
        """Move those of some ended jobs to the trash that meet a condition and that nobody needs; return how many.

        `policy`: the id of the retention policy, for the audit.
        """
        # Who changes a job just now, gives it a star perhaps, keeps it for this round.
        chosen: Any = (
            select(Job.id, Job.owner, Job.state, Job.name, Job.kind)
            .where(Job.id.in_(job_ids), condition)
            .order_by(Job.id)
        )
        jobs = [job for job in connection.execute(chosen.with_for_update(skip_locked=True)) if _ended(job)]
        needed = who_needs(connection, [job.id for job in jobs])
        return _move(connection, [job for job in jobs if job.id not in needed], owner, policy)

    # -- steps

    def _restored(self, connection: Connection, jobs: Sequence[Row[Any]], who: Requester) -> tuple[int, list[Problem]]:
        """Restore locked jobs as far as their owners' quotas allow; return how many, and the others."""
        quotas = who.quotas if isinstance(who, Principal) else Quotas()
        chosen: list[Row[Any]] = []
        refused: list[Problem] = []
        for owner in sorted({job.owner for job in jobs}):
            mine = [job for job in jobs if job.owner == owner and not job.expired]
            room = self._guard.room_to_store(connection, owner, quotas)
            sizes = _sizes(connection, [job.id for job in mine])
            for job in mine:
                size = sizes.get(job.id, 0)
                if size > room.left:
                    refused.append((job.id, room.refusal(size)))
                    continue
                room.take(size)
                chosen.append(job)
        connection.execute(
            update(Job).where(Job.id.in_([job.id for job in chosen])).values(trashed_at=None, restored_at=func.now())
        )
        record(connection, who, *(Entry("job.restore", job.id, _when(job), None) for job in chosen))
        return len(chosen), refused

    def _deletable(self, connection: Connection, job_id: str, who: Requester) -> Row[Any]:
        """Lock a job that may be deleted: one that is in the trash already, or one that nobody needs."""
        job = self._one(connection, job_id, who)
        if job.trashed_at is None:
            _check_unneeded(connection, job)
        return job

    def _one(self, connection: Connection, job_id: str, who: Requester, *, changes_only: bool = False) -> Row[Any]:
        for job in self._locked(connection, [job_id], who, changes_only=changes_only):
            return job
        raise NotFoundError(Missing.no_job(job=job_id))

    def _locked(
        self, connection: Connection, job_ids: Sequence[str], who: Requester, *, changes_only: bool = False
    ) -> list[Row[Any]]:
        """Lock jobs, against new foreign keys too unless `changes_only`; `expired`: its time in the trash is over."""
        expired: ColumnElement[bool] = func.coalesce(
            Job.trashed_at < func.now() - seconds(self._days * DAY_S), False
        ).label("expired")
        columns = (Job.id, Job.owner, Job.state, Job.name, Job.kind, Job.trashed_at, expired)
        query: Any = select(*columns).where(Job.id.in_(job_ids))
        query = JobFilter(owner=who.reads, trashed=None).apply(query)
        # In one order, so that two who do this at once wait for each other instead of for ever.
        return list(connection.execute(query.order_by(Job.id).with_for_update(key_share=changes_only)))


def _ended(job: Row[Any]) -> bool:
    return State(job.state) in TERMINAL


def _check_unneeded(connection: Connection, job: Row[Any]) -> None:
    if not _ended(job):
        message: Message = OrderFaults.delete_unfinished(state=word(job.state))
        raise ConflictError(message, state=job.state, allowed=VERBS[State(job.state)])
    for by in who_needs(connection, [job.id]).values():
        raise ConflictError(OrderFaults.job_needed(job=by), state=job.state)


def _move(connection: Connection, jobs: Sequence[Row[Any]], who: Requester, policy: str | None = None) -> int:
    if jobs:
        connection.execute(update(Job).where(Job.id.in_([job.id for job in jobs])).values(trashed_at=func.now()))
        facts = ("owner", "name", "kind", "state")
        why = None if policy is None else {"policy": policy}
        record(
            connection, who, *(Entry("job.delete", job.id, {f: getattr(job, f) for f in facts}, why) for job in jobs)
        )
    return len(jobs)


def _purge(connection: Connection, jobs: Sequence[Row[Any]], who: Requester) -> int:
    if jobs:
        now = {"trashed_at": func.coalesce(Job.trashed_at, func.now()), "purged_at": func.now()}
        connection.execute(update(Job).where(Job.id.in_([job.id for job in jobs])).values(now))
        record(connection, who, *(Entry("job.purge", job.id, _when(job)) for job in jobs))
    return len(jobs)


def _when(job: Row[Any]) -> dict[str, Any] | None:
    return None if job.trashed_at is None else {"trashed_at": job.trashed_at.isoformat()}


def _sizes(connection: Connection, job_ids: Sequence[str]) -> dict[str, int]:
    """Return the bytes of the files of each job that has any."""
    size = func.sum(Artifact.bytes)
    query = select(Artifact.job_id, size).where(Artifact.job_id.in_(job_ids)).group_by(Artifact.job_id)
    return {job_id: int(total) for job_id, total in connection.execute(query)}
