"""The steps of every change of a job's state: lock the row, check the fence, change the state, close the attempt.

Only stores/jobs/ uses them, in transactions of its own.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, literal_column, select, update

from models.messages import Ends, Message, Missing, OrderFaults, Reasons, word
from models.rows import Attempt, Job
from models.states import TERMINAL, TRANSITIONS, Action, ErrorCode, EventType, Outcome, State
from stores.accounts.audit import Entry, Local, record
from stores.events import events
from stores.events.bus import Hint
from stores.infra.errors import InvalidTransitionError, NotFoundError, StaleFenceError
from stores.infra.sql import RAN, seconds
from stores.jobs.results import columns
from stores.jobs.verbs import VERBS

# What alarms make of a running job, and how the audit calls it.
_BY_ALARM = {State.paused: "job.pause", State.succeeded: "job.stop"}

# Built once, because a training run locks its row several times a second.
HOLD = select(*Job.__table__.columns).where(Job.id == bindparam("job")).with_for_update(key_share=True)


@dataclass(frozen=True)
class Claim:
    """The right to run a job: valid while the row carries this fence."""

    job_id: str
    owner: str
    attempt: int
    fence: int
    job: dict[str, Any]  # the row at the moment of the claim, and `spent_s`: seconds that earlier attempts ran


# Why something happened. Where there is no message it is a text as it came: the error of a library, what a trainer of
# another version sent, or a code that pages translate themselves (`worker_lost`).
Explanation = Message | str | None


@dataclass(frozen=True)
class Ending:
    """How an attempt ended; the outcome decides the job's next state. `result` is what a successful one measured."""

    outcome: Outcome
    reason: Explanation = None
    code: ErrorCode | None = None
    detail: Explanation = None
    result: Mapping[str, Any] | None = None
    alarm: str | None = None  # the code of the alarm that ended the attempt, as the job's `on_alert` says


def english(explanation: Explanation) -> str | None:
    """Return the explanation in English, as answers carry it."""
    return None if explanation is None else str(explanation)


def text_of(explanation: Explanation) -> dict[str, Any] | None:
    """Return code and parameters, by which pages translate; None for what has none."""
    return explanation.as_json() if isinstance(explanation, Message) else None


def change(before: str | None, to: str, reason: Explanation) -> dict[str, Any]:
    """Return the data of the event of a change of state."""
    data = {"from": before, "to": to, "reason": english(reason)}
    return {**data, "text": reason.as_json()} if isinstance(reason, Message) else data


def error_of(code: ErrorCode | None, detail: Explanation) -> dict[str, Any]:
    """Return the columns of why a job or an attempt failed."""
    return {"error_code": code, "error_detail": english(detail), "error_text": text_of(detail)}


def lock(connection: Connection, job_id: str, owner: str | None) -> Row[Any]:
    """Lock a job's row. With an owner, only a job of theirs is found.

    Raises:
        NotFoundError
    """
    query = select(*Job.__table__.columns).where(Job.id == job_id, Job.purged_at.is_(None))
    if owner is not None:
        query = query.where(Job.owner == owner)
    row = connection.execute(query.with_for_update(key_share=True)).first()
    if row is None:
        raise NotFoundError(Missing.no_job(job=job_id))
    return row


def hold(connection: Connection, claim: Claim) -> Row[Any]:
    """Lock the job's row for the holder of this fence.

    Raises:
        StaleFenceError
    """
    row = connection.execute(HOLD, {"job": claim.job_id}).first()
    if row is None or row.fence != claim.fence or row.state != State.running:
        raise StaleFenceError(OrderFaults.fence_lost(job=claim.job_id, fence=claim.fence))
    return row


def move(connection: Connection, job: Row[Any], to: State, *, reason: Explanation, **values: Any) -> list[Hint]:
    """Change the state of a locked row and append the event."""
    if to not in TRANSITIONS[State(job.state)]:
        raise InvalidTransitionError(OrderFaults.move(state=word(to)), State(job.state), VERBS[State(job.state)])
    connection.execute(
        update(Job)
        .where(Job.id == job.id, Job.state == job.state, Job.fence == job.fence)
        .values(
            state=to,
            reason=english(reason),
            reason_text=text_of(reason),
            pending_action=None,
            lease_until=None,
            worker_id=None,
            eta=None,
            finished_at=func.now() if to in TERMINAL else None,
            last_seq=Job.last_seq + 1,
            **values,
        )
    )
    news = [(EventType.state, change(job.state, to, reason))]
    return events.append(connection, job.owner, job.id, job.attempt, job.last_seq + 1, news)


def move_all(
    connection: Connection, jobs: Sequence[Row[Any]], to: State, *, reason: Explanation, **values: Any
) -> list[Hint]:
    """Change the state of locked rows that no attempt holds, in two statements for any number of rows."""
    for job in jobs:
        if job.state == State.running or to not in TRANSITIONS[State(job.state)]:
            raise InvalidTransitionError(OrderFaults.move(state=word(to)), State(job.state), VERBS[State(job.state)])
    ended = {"finished_at": func.now()} if to in TERMINAL else {}
    connection.execute(
        update(Job)
        .where(Job.id.in_([job.id for job in jobs]))
        .values(
            state=to,
            reason=english(reason),
            reason_text=text_of(reason),
            last_seq=Job.last_seq + 1,
            **ended,
            **values,
        )
    )
    return events.append_to_each(connection, jobs, lambda job: change(job.state, to, reason))


def end_attempt(connection: Connection, job: Row[Any], ending: Ending) -> tuple[list[Hint], State]:
    """Close the attempt of a locked running row, and change the job to the state that the outcome leads to."""
    connection.execute(
        update(Attempt)
        .where(Attempt.job_id == job.id, Attempt.number == job.attempt)
        .values(ended_at=func.now(), outcome=ending.outcome, **error_of(ending.code, ending.detail))
    )
    state, values, reason = _destination(job, ending)
    # Nobody asked for this change: the audit names the owner, without a key, and the alarm.
    if ending.alarm is not None and state in _BY_ALARM:
        after = {"state": state, "alert": ending.alarm}
        record(connection, Local(job.owner), Entry(_BY_ALARM[state], job.id, {"state": job.state}, after))
    ran = select(literal_column(RAN)).where(Attempt.job_id == job.id).scalar_subquery()
    return move(connection, job, state, reason=reason, ran=ran, **values), state


def _destination(job: Row[Any], ending: Ending) -> tuple[State, dict[str, Any], Explanation]:
    """Decide where a job goes when an attempt ends: the one place that counts attempts."""
    match ending.outcome:
        case Outcome.succeeded:
            return State.succeeded, {} if ending.result is None else columns(ending.result), ending.reason
        case Outcome.failed:
            return State.failed, error_of(ending.code, ending.detail), ending.reason
        case Outcome.canceled:
            return State.canceled, {}, ending.reason
        case Outcome.paused | Outcome.interrupted:
            return _given_back(job, ending)
    # The worker or the trainer died. A cancel that was asked for has come true.
    if job.pending_action == Action.cancel:
        return State.canceled, {}, ending.reason
    died = job.attempt - job.interruptions
    if died >= job.max_attempts:
        detail = Ends.attempts_died(died=died, most=job.max_attempts, last=ending.detail)
        # A stall has a code of its own: its remedy is another one than that of a crash.
        code = ErrorCode.stalled if ending.outcome is Outcome.stalled else ErrorCode.too_many_attempts
        return State.failed, error_of(code, detail), ending.reason
    if job.pending_action == Action.pause:
        return State.paused, {}, ending.reason
    # Back-off with jitter, so that a job which always dies does not keep a machine busy.
    wait = min(60.0, 0.5 * 2 ** (died - 1)) * random.uniform(0.5, 1.5)  # noqa: S311
    return State.queued, {"run_after": func.now() + seconds(wait)}, ending.reason


def _given_back(job: Row[Any], ending: Ending) -> tuple[State, dict[str, Any], Explanation]:
    """Decide where a job goes that was stopped between two steps: what is wished now counts, not what was then."""
    values = {"interruptions": Job.interruptions + 1}
    if job.pending_action == Action.cancel:
        return State.canceled, values, Reasons.canceled_by_request()
    if job.pending_action == Action.pause:
        return State.paused, values, Reasons.paused_by_request()
    if ending.alarm is not None:
        return State.paused, values, ending.reason
    reason = Reasons.resumed_by_request() if ending.outcome is Outcome.paused else ending.reason
    return State.queued, {**values, "run_after": func.now()}, reason
