"""The one writer of job state. Every change is one transaction: lock the row, check who may, UPDATE, event, commit;
then, and only then, tell the bus and ring the bell.

The row is locked before anything is written: that makes writers of one job take turns, and keeps the feed's order
(stores/events/events.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Connection, Engine, Integer, Table, bindparam, func, insert, select, update

from models.messages import OrderFaults, Reasons
from models.rows import Artifact, Attempt, Job
from models.states import Action, ErrorCode, EventType, Outcome, State
from models.views import artifact_view
from stores.accounts.audit import Entry, Local, record
from stores.events import events
from stores.events.bus import Bus, Hint
from stores.events.metrics import add_points, forget_points, newest_values
from stores.fleet.workers import queues_to_ring
from stores.infra.broker import Bell
from stores.infra.doomed import delete_artifacts
from stores.infra.errors import StaleFenceError
from stores.infra.failpoints import reach
from stores.infra.sql import seconds
from stores.jobs.checkpoints import prune
from stores.jobs.claim import QuotaReachedError, take_job
from stores.jobs.commit_check import certain
from stores.jobs.transitions import Claim, Ending, end_attempt, hold
from stores.jobs.waiting_in_vain import end_one

News = tuple[str, dict[str, Any]]

# What a training run writes twice a second is made once.
JOBS = cast(Table, Job.__table__)
COUNT = (
    update(JOBS)
    .where(JOBS.c.id == bindparam("job"))
    .values(
        last_seq=JOBS.c.last_seq + bindparam("count", type_=Integer()),
        last_metrics=JOBS.c.last_metrics.op("||")(bindparam("last", type_=JOBS.c.last_metrics.type)),
    )
)
COUNT_AND_PROGRESS = COUNT.values(
    progress=bindparam("at", type_=JOBS.c.progress.type), eta=bindparam("until", type_=JOBS.c.eta.type)
)
WISH = select(JOBS.c.pending_action).where(
    JOBS.c.id == bindparam("job"), JOBS.c.fence == bindparam("fence"), JOBS.c.state == State.running.value
)


@dataclass(frozen=True)
class NewArtifact:
    """An object that is in the store already and now becomes visible."""

    id: str
    kind: str
    name: str
    step: int | None
    epoch: int | None
    bytes: int
    sha256: str
    content_type: str
    object_key: str
    best: bool = False


class Attempts:
    """Claims, moves and ends jobs for supervisors and the sweeper; requesters use stores/jobs/commands.py."""

    def __init__(self, engine: Engine, bus: Bus, bell: Bell, lease_s: float, running_limit: int | None = None) -> None:
        self._engine = engine
        self._reader = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._bus = bus
        self._bell = bell
        self._lease_s = lease_s
        self._running_limit = running_limit
        self._lease = seconds(lease_s)

    # -- the supervisor's side

    def claim(
        self,
        queue: str,
        worker_id: str,
        device: str,
        room: int | None = None,
        units: bool | None = None,
        given_up: Callable[[], bool] = lambda: False,
    ) -> Claim | None:
        """Take the next job of a queue that a worker can run; None when there is none.

        It fits in `room` bytes (None: any number). Without `units` for bfloat16 (None: unknown, count as there), a job
        that needs them is passed over.

        See stores/jobs/claim.py for who comes first. Two claims never take the same row. A claim whose commit was not
        answered is looked up: a job that nobody knows to be claimed would lose an attempt that never started. While the
        database is away, `given_up` is called and can end the wait.
        """
        asked: dict[str, Any] = {
            "queue": queue,
            "worker": worker_id,
            "device": device,
            "lease_s": self._lease_s,
            "room": room,
            "units": units,
            "running_limit": self._running_limit,
        }
        while True:
            hints: list[Hint] = []
            try:
                with certain(self._engine, hints, given_up) as connection:
                    row = take_job(connection, **asked)
                    if row is None:
                        return None
                    news = [(EventType.state, {"from": State.queued, "to": State.running, "reason": None})]
                    hints += events.append(connection, row["owner"], row["id"], row["attempt"], row["last_seq"], news)
            except QuotaReachedError:
                continue
            self._bus.publish(hints)
            return Claim(row["id"], row["owner"], row["attempt"], row["fence"], {**row, "room": room})

    def renew(self, claim: Claim) -> Action | None:
        """Lengthen the lease. Returns what was asked of the job meanwhile.

        Raises:
            StaleFenceError: the job was taken away.
        """
        with self._engine.begin() as connection:
            row = connection.execute(
                update(Job)
                .where(Job.id == claim.job_id, Job.fence == claim.fence, Job.state == State.running)
                .values(lease_until=func.now() + self._lease)
                .returning(Job.pending_action)
            ).first()
        if row is None:
            raise StaleFenceError(OrderFaults.fence_lost(job=claim.job_id, fence=claim.fence))
        return _action(row.pending_action)

    def pending_action(self, claim: Claim) -> Action | None:
        """Return what is asked of the job. Cheap enough to ask twice a second.

        Raises:
            StaleFenceError: the job was taken away.
        """
        with self._reader.connect() as connection:
            row = connection.execute(WISH, {"job": claim.job_id, "fence": claim.fence}).first()
        if row is None:
            raise StaleFenceError(OrderFaults.fence_lost(job=claim.job_id, fence=claim.fence))
        return _action(row.pending_action)

    def begin_attempt(self, claim: Claim, start_step: int, device: str, *, needs_units: bool = False) -> None:
        """Record where an attempt starts, and whether the next one needs units for bfloat16.

        Metrics that an earlier attempt wrote beyond that step are forgotten.

        Raises:
            StaleFenceError
        """
        with self._engine.begin() as connection:
            hold(connection, claim)
            connection.execute(
                update(Attempt)
                .where(Attempt.job_id == claim.job_id, Attempt.number == claim.attempt)
                .values(start_step=start_step, device=device)
            )
            now = {"device": device, "needs_units": needs_units}
            connection.execute(update(Job).where(Job.id == claim.job_id).values(now))
            forget_points(connection, claim.job_id, start_step)

    def go_back(self, claim: Claim, step: int, alarm: str | None = None) -> None:
        """Forget the points beyond a step to which the run has gone back within its attempt.

        If an alarm made it do so, as its `on_alert` says, the audit names the owner, without a key, and the alarm.

        Raises:
            StaleFenceError
        """
        with self._engine.begin() as connection:
            hold(connection, claim)
            forget_points(connection, claim.job_id, step)
            if alarm is not None:
                entry = Entry("job.go_back", claim.job_id, None, {"step": step, "alert": alarm})
                record(connection, Local(claim.owner), entry)

    def progress(
        self,
        claim: Claim,
        news: Sequence[News],
        *,
        progress: dict[str, Any] | None = None,
        eta: dict[str, Any] | None = None,
    ) -> None:
        """Write what the trainer tells: events, with the points of metric events added to the curves.

        Raises:
            StaleFenceError
        """
        hints: list[Hint] = []
        with certain(self._engine, hints) as connection:
            job = hold(connection, claim)
            here = {"job": claim.job_id, "count": len(news), "last": newest_values(news)}
            if progress is None:
                connection.execute(COUNT, here)
            else:
                connection.execute(COUNT_AND_PROGRESS, {**here, "at": progress, "until": eta})
            for kind, data in news:
                if kind == EventType.metric and data["steps"]:
                    add_points(connection, claim.job_id, data)
            hints += events.append(connection, claim.owner, claim.job_id, claim.attempt, job.last_seq + 1, news)
        self._bus.publish(hints)

    def measured(self, claim: Claim, fd_ratio: float, extractor: str) -> None:
        """Record how good the images of a training's best checkpoint are, by the extractor of this sha256.

        Raises:
            StaleFenceError
        """
        with self._engine.begin() as connection:
            hold(connection, claim)
            now = {"fd_ratio": fd_ratio, "extractor": extractor}
            connection.execute(update(Job).where(Job.id == claim.job_id).values(now))

    def used_energy(self, claim: Claim, watt_hours: float) -> None:
        """Record the energy that an attempt took so far. Nothing changes if it has ended."""
        mine = (Attempt.job_id == claim.job_id, Attempt.number == claim.attempt, Attempt.fence == claim.fence)
        with self._reader.connect() as connection:
            connection.execute(update(Attempt).where(*mine, Attempt.ended_at.is_(None)).values(energy_wh=watt_hours))

    def add_artifact(
        self, claim: Claim, new: NewArtifact, beside: Callable[[Connection], None] = lambda _: None
    ) -> None:
        """Make a stored object visible; a checkpoint becomes the one to resume from.

        `beside` is called in the same transaction.

        An attempt that resumes from before the end of an earlier one makes the same grids and weights again: they take
        the place of the earlier ones, whose objects are removed.

        Raises:
            StaleFenceError
        """
        fields: dict[str, Any] = {name: value for name, value in vars(new).items() if name != "best"}
        values: dict[str, Any] = {"last_seq": Job.last_seq + 1}
        if new.kind == "checkpoint":
            mine = select(func.coalesce(func.max(Artifact.ordinal), 0) + 1).where(Artifact.job_id == claim.job_id)
            fields["ordinal"] = mine.scalar_subquery()
            values["latest_checkpoint"] = new.id
            if new.best:
                values["best_checkpoint"] = new.id
        kind = new.kind if new.kind in {"grid", "checkpoint"} else EventType.artifact
        hints: list[Hint] = []
        with certain(self._engine, hints) as connection:
            job = hold(connection, claim)
            beside(connection)
            if new.kind != "checkpoint":
                same = (Artifact.job_id == claim.job_id, Artifact.kind == new.kind, Artifact.name == new.name)
                delete_artifacts(connection, *same, Artifact.attempt < claim.attempt)
            row = connection.execute(
                insert(Artifact)
                .values(job_id=claim.job_id, attempt=claim.attempt, fence=claim.fence, **fields)
                .returning(*Artifact.__table__.columns)
            ).one()
            connection.execute(update(Job).where(Job.id == claim.job_id).values(values))
            data = {"step": new.step, "epoch": new.epoch, "artifact": artifact_view(row._mapping)}
            hints += events.append(
                connection, claim.owner, claim.job_id, claim.attempt, job.last_seq + 1, [(kind, data)]
            )
        self._bus.publish(hints)

    def prune_checkpoints(self, claim: Claim, keep: int, every: int = 0) -> list[str]:
        """Forget all but the newest `keep` checkpoints, the best and each `every`-th (0: none of these).

        A checkpoint that an unfinished job needs stays. Returns the keys of the objects that are removed now.

        Raises:
            StaleFenceError
        """
        with self._engine.begin() as connection:
            job = hold(connection, claim)
            return prune(connection, job, keep, every)

    def finish(self, claim: Claim, ending: Ending) -> State:
        """End the attempt. Returns the state in which the job is now.

        Raises:
            StaleFenceError
        """
        hints: list[Hint] = []
        with certain(self._engine, hints) as connection:
            job = hold(connection, claim)
            news, state = end_attempt(connection, job, ending)
            hints += news
            reach("finishing")
        self._publish_and_ring(hints, state, job.queue, claim.job_id)
        return state

    # -- the sweeper's side

    def expire_leases(self, limit: int = 100) -> list[tuple[str, State]]:
        """End the attempts whose lease ran out. Two sweepers may do this at once: one skips the other's rows."""
        ended: list[tuple[str, State]] = []
        overdue = (
            select(*Job.__table__.columns)
            .where(Job.state == State.running, Job.lease_until < func.now())
            .limit(1)
            .with_for_update(key_share=True, skip_locked=True)
        )
        while len(ended) < limit:
            with self._engine.begin() as connection:
                job = connection.execute(overdue).first()
                if job is None:
                    break
                detail = Reasons.lease_ran_out(worker=job.worker_id)
                ending = Ending(Outcome.lost, "worker_lost", ErrorCode.worker_lost, detail)
                hints, state = end_attempt(connection, job, ending)
                reach("expiring")
            self._publish_and_ring(hints, state, job.queue, job.id)
            ended.append((job.id, state))
        return ended

    def end_waits_in_vain(self, limit: int = 100) -> list[str]:
        """End the jobs that wait for an extractor which will not be made; return their ids."""
        ended: list[str] = []
        while len(ended) < limit:
            with self._engine.begin() as connection:
                found = end_one(connection)
            if found is None:
                break
            job_id, hints = found
            self._bus.publish(hints)
            ended.append(job_id)
        return ended

    def ring_again(self, alive_s: float, grace_s: float = 1.0) -> list[str]:
        """Ring for every queue that has had runnable work for a moment, and a live worker without any."""
        with self._engine.begin() as connection:
            queues = list(connection.scalars(queues_to_ring(alive_s, grace_s)))
        for queue in queues:
            self._bell.ring(queue)
        return queues

    def _publish_and_ring(self, hints: list[Hint], state: State, queue: str, job_id: str) -> None:
        self._bus.publish(hints)
        if state is State.queued:
            self._bell.ring(queue, job_id)


def _action(value: str | None) -> Action | None:
    return None if value is None else Action(value)
