"""What a requester may do with jobs: submit, cancel, pause, resume, change, and the same to many at once.

Each is one transaction, with its line in the audit; hints and bells follow the commit. Asking twice changes nothing
the second time. A running job is only asked: `pending_action` is a wish, which its supervisor carries out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, Engine, Row, func, select, update

from models import views
from models.ids import new_id
from models.messages import Missing, OrderFaults, word
from models.rows import Job
from models.states import NO_LIVE_WORKER, TERMINAL, State
from stores.accounts.audit import Entry, Local, Requester, record
from stores.accounts.keys import Principal
from stores.accounts.quotas import Guard, Quotas
from stores.events.bus import Bus, Hint
from stores.infra.broker import Bell
from stores.infra.errors import ConflictError, InvalidTransitionError, NotFoundError, QuotaError
from stores.infra.failpoints import reach
from stores.jobs import idempotency, insert
from stores.jobs.batches import Tally, batches
from stores.jobs.filter import JobFilter
from stores.jobs.insert import NewJob, Stored
from stores.jobs.reorder import place_among
from stores.jobs.steps import Steps, carry_out
from stores.jobs.transitions import lock
from stores.jobs.verbs import VERBS, Verb, decide
from stores.schedule.position import foreseen

Refused = list[tuple[str, QuotaError]]


class Commands:
    """The requester's side of jobs."""

    def __init__(self, engine: Engine, bus: Bus, bell: Bell, guard: Guard, alive_s: float) -> None:
        self._engine = engine
        self._reader = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._bus = bus
        self._bell = bell
        self._guard = guard
        self._alive_s = alive_s

    def submit(
        self,
        new: NewJob,
        request: idempotency.Request | None = None,
        who: Principal | None = None,
        *,
        changes: dict[str, Any] | None = None,
    ) -> tuple[views.Job, bool]:
        """Store a job and ring for it. Returns the job as shown to readers, and whether this is a replayed answer.

        `who` asks; None: the owner, without a key. `changes`: what was asked of a retry.

        Raises:
            IdempotencyMismatchError, IdempotencyBusyError: see stores/jobs/idempotency.py.
            QuotaError: as many jobs of the owner wait as the key allows.
            ConflictError: the data set or the checkpoint was deleted since it was looked up.
        """
        reach("placed")
        limit = self._guard.queued_limit(new.owner, Quotas() if who is None else who.quotas)
        with self._engine.begin() as connection:
            begun = idempotency.begin(connection, new.owner, request, turn=limit is not None)
            if begun.answer is not None:
                return cast(views.Job, begun.answer), True
            view, stored = self._store(connection, new, begun, (who or Local(new.owner), changes), request, limit)
        self._announce(new, view, stored)
        return view, False

    def submit_unless(
        self,
        done: Callable[[Connection], bool],
        new: NewJob,
        who: Principal,
        remember: Callable[[Connection, str], None],
    ) -> None:
        """Store a job and ring for it, unless `done` says that there is no need; `remember` gets its id.

        All three share one transaction, so that a lock which `done` takes is held until the id is written down.

        Raises:
            QuotaError, ConflictError: as `submit`.
        """
        limit = self._guard.queued_limit(new.owner, who.quotas)
        with self._engine.begin() as connection:
            if done(connection):
                return
            begun = idempotency.begin(connection, new.owner, None, turn=limit is not None)
            view, stored = self._store(connection, new, begun, (who, None), None, limit)
            remember(connection, view["id"])
        self._announce(new, view, stored)

    def _store(
        self,
        connection: Connection,
        new: NewJob,
        begun: idempotency.Begun,
        asked: tuple[Requester, dict[str, Any] | None],
        request: idempotency.Request | None,
        limit: int | None,
    ) -> tuple[views.Job, Stored]:
        """Store a job. `asked`: who asks, and which changes if it is a retry."""
        who, changes = asked
        place = foreseen(connection, vars(new), self._alive_s)
        view = insert.new_job_view(new, place, id=new_id("job"), state=State.queued, created_at=begun.at, last_seq=1)
        stored = insert.store(connection, new, view, (who, _birth(view, changes)), request, limit)
        if stored.gone is not None:
            raise ConflictError(stored.gone)
        if limit is not None:
            self._guard.note_queued(new.owner, stored.waiting, limit)
        if request is not None and stored.key is None:
            raise idempotency.busy()
        return view, stored

    def _announce(self, new: NewJob, view: views.Job, stored: Stored) -> None:
        self._bus.publish([Hint(new.owner, insert.first_event(view, stored.at))])
        # A message that nobody hears would stay in the broker for ever; a worker that comes looks for itself.
        if new.reason != NO_LIVE_WORKER:
            self._bell.ring(new.queue, view["id"])

    def answered(self, owner: str, request: idempotency.Request) -> dict[str, Any] | None:
        """Return what this request was answered before, or None: names that it used may mean nothing any more.

        Raises:
            IdempotencyMismatchError
        """
        with self._reader.connect() as connection:
            return idempotency.answered(connection, owner, request)

    def cancel(self, job_id: str, who: Requester) -> bool:
        """Cancel a waiting job at once, or ask the supervisor of a running one to. False: it was so already.

        Raises:
            NotFoundError, InvalidTransitionError
        """
        return self._ask(Verb.cancel, job_id, who)

    def pause(self, job_id: str, who: Requester) -> bool:
        """Set a waiting job aside at once, or ask for the checkpoint of a running one. False: it was so already.

        Raises:
            NotFoundError, InvalidTransitionError
        """
        return self._ask(Verb.pause, job_id, who)

    def resume(self, job_id: str, who: Requester) -> bool:
        """Let a paused job wait for a worker again. False: it is not paused, nor going to be.

        Raises:
            NotFoundError, InvalidTransitionError
            QuotaError: as many jobs of the owner wait as the key allows.
        """
        return self._ask(Verb.resume, job_id, who)

    def change(self, job_id: str, who: Requester, changes: dict[str, Any]) -> None:
        """Change `priority`, `labels`, `name`, `notes`, `project` or `starred`, or move the job: `order` first or last.

        Raises:
            NotFoundError
            ConflictError: only a job that waits has a place.
        """
        values = dict(changes)
        with self._engine.begin() as connection:
            job = lock(connection, job_id, who.reads)
            if (order := values.pop("order", None)) is not None:
                if job.state not in {State.queued, State.paused}:
                    message = OrderFaults.no_place(state=word(job.state))
                    raise ConflictError(message, state=job.state, allowed=VERBS[State(job.state)])
                values["ordered_at"] = place_among(connection, job, values.get("priority", job.priority), order)
            values = {name: value for name, value in values.items() if getattr(job, name) != value}
            if not values:
                return
            connection.execute(update(Job).where(Job.id == job_id).values(values))
            before = {name: _plain(getattr(job, name)) for name in values}
            after = {name: _plain(value) for name, value in values.items()}
            record(connection, who, Entry("job.change", job_id, before, after))

    def ended(self, job_id: str, who: Requester) -> Row[Any]:
        """Return the row of a job that has ended and so can be done again.

        Raises:
            NotFoundError
            ConflictError: it is in the trash.
            InvalidTransitionError: it has not ended.
        """
        query = JobFilter(owner=who.reads, trashed=None).apply(select(*Job.__table__.columns)).where(Job.id == job_id)
        with self._reader.connect() as connection:
            job = connection.execute(query).first()
        if job is None:
            raise NotFoundError(Missing.no_job(job=job_id))
        state = State(job.state)
        if job.trashed_at is not None:
            raise ConflictError(OrderFaults.job_in_trash(job=job_id), state=job.state, allowed=("restore",))
        if state not in TERMINAL:
            raise InvalidTransitionError("retry", state, VERBS[state])
        return job

    # -- many at once

    def matching(self, wanted: JobFilter, limit: int) -> tuple[list[str], int]:
        """Return the ids of up to `limit` jobs that a filter lets through, and how many there are."""
        ids = wanted.apply(select(Job.id))
        with self._reader.connect() as connection:
            found = list(connection.scalars(ids.order_by(Job.id).limit(limit + 1)))
            count = len(found)
            if count > limit:
                count = connection.scalar(select(func.count()).select_from(ids.subquery())) or 0
        return found[:limit], count

    def ask_all(self, verb: Verb, job_ids: Sequence[str], who: Requester) -> tuple[Tally, Refused]:
        """Do one thing to many jobs, some hundreds in a transaction; what cannot be done any more is left out.

        Returns the counts, and the jobs that stay paused because their owner's quota of waiting jobs is used up.
        """
        changed = 0
        refused: Refused = []
        for some in batches(job_ids):
            with self._engine.begin() as connection:
                steps: Steps = []
                for job in _lock_all(connection, some, who.reads):
                    try:
                        step = decide(verb, State(job.state), job.pending_action)
                    except InvalidTransitionError:
                        continue  # its state does not allow it: it stays as it is
                    if step is not None:
                        steps.append((job, step))
                steps, beyond = self._within_quota(connection, steps, who)
                hints = carry_out(connection, verb, steps, who)
            self._publish_steps(hints, steps)
            changed += len(steps)
            refused += beyond
        return Tally(changed, len(job_ids) - changed), refused

    def reprioritize_all(self, priority: int, job_ids: Sequence[str], who: Requester) -> Tally:
        """Give one priority to all of many jobs that have not ended."""
        changed = 0
        for some in batches(job_ids):
            with self._engine.begin() as connection:
                locked = _lock_all(connection, some, who.reads)
                jobs = [job for job in locked if job.priority != priority and State(job.state) not in TERMINAL]
                connection.execute(update(Job).where(Job.id.in_([job.id for job in jobs])).values(priority=priority))
                after = {"priority": priority}
                record(connection, who, *(Entry("job.change", j.id, {"priority": j.priority}, after) for j in jobs))
            changed += len(jobs)
        return Tally(changed, len(job_ids) - changed)

    def note_bulk(
        self, who: Requester, asked: dict[str, Any], answer: dict[str, Any], request: idempotency.Request | None
    ) -> None:
        """Write down what was ordered of many jobs and what came of it, and remember the answer to the request."""
        with self._engine.begin() as connection:
            record(connection, who, Entry("job.bulk", "jobs", None, {**asked, **answer}))
            if request is not None and idempotency.begin(connection, who.owner, request).answer is None:
                idempotency.remember(connection, who.owner, request, answer)

    def _ask(self, verb: Verb, job_id: str, who: Requester) -> bool:
        with self._engine.begin() as connection:
            job = lock(connection, job_id, who.reads)
            step = decide(verb, State(job.state), job.pending_action)
            if step is None:
                return False
            steps, refused = self._within_quota(connection, [(job, step)], who)
            if refused:
                raise refused[0][1]
            hints = carry_out(connection, verb, steps, who)
        self._publish_steps(hints, steps)
        return True

    def _within_quota(self, connection: Connection, steps: Steps, who: Requester) -> tuple[Steps, Refused]:
        """Split off the steps after which more of an owner's jobs would wait than the requester's key allows.

        Of each owner the first ones stay. The rows are locked.
        """
        quotas = who.quotas if isinstance(who, Principal) else Quotas()
        allowed: Steps = [(job, step) for job, step in steps if step.to is not State.queued]
        refused: Refused = []
        for owner in sorted({job.owner for job, step in steps if step.to is State.queued}):
            again = [(job, step) for job, step in steps if step.to is State.queued and job.owner == owner]
            fitting, error = self._guard.more_queued(connection, owner, len(again), quotas)
            allowed += again[:fitting]
            if error is not None:
                refused += [(job.id, error) for job, _ in again[fitting:]]
        return allowed, refused

    def _publish_steps(self, hints: list[Hint], steps: Steps) -> None:
        self._bus.publish(hints)
        for queue in {job.queue for job, step in steps if step.to is State.queued}:
            self._bell.ring(queue)


def _lock_all(connection: Connection, job_ids: Sequence[str], owner: str | None) -> list[Row[Any]]:
    query = JobFilter(owner=owner).apply(select(*Job.__table__.columns)).where(Job.id.in_(job_ids))
    # In one order, so that two who do this at once wait for each other instead of for ever.
    return list(connection.execute(query.order_by(Job.id).with_for_update(key_share=True)))


def _birth(view: Mapping[str, Any], changes: dict[str, Any] | None) -> Entry:
    facts = ("owner", "kind", "recipe", "dataset", "queue", "priority", "name", "labels", "project", "parent", "source")
    after = {name: view[name] for name in facts if view[name] is not None}
    if changes is None:
        return Entry("job.create", view["id"], None, after)
    return Entry("job.retry", view["id"], None, {**after, "asked": changes})


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
