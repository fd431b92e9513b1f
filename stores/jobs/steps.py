"""Does to locked rows what was decided (stores/jobs/verbs.py)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, func, update

from models.rows import Job
from models.states import State
from stores.accounts.audit import Entry, Requester, record
from stores.events.bus import Hint
from stores.jobs.transitions import move_all
from stores.jobs.verbs import REASONS, Step, Verb

# Rows of jobs, each with what is to be done to it.
Steps = list[tuple[Row[Any], Step]]


def carry_out(connection: Connection, verb: Verb, steps: Steps, who: Requester) -> list[Hint]:
    """Carry out the steps of one verb, with a line in the audit for each; return the hints to publish."""
    hints: list[Hint] = []
    reason = REASONS[verb]()
    for step in {step for _, step in steps}:
        jobs = [job for job, other in steps if other == step]
        if step.to is None:
            chosen = update(Job).where(Job.id.in_([job.id for job in jobs]))
            connection.execute(chosen.values(pending_action=step.wish))
        else:
            again = {"run_after": func.now()} if step.to is State.queued else {}
            hints += move_all(connection, jobs, step.to, reason=reason, **again)
    record(connection, who, *(_line(verb, job, step) for job, step in steps))
    return hints


def _line(verb: Verb, job: Row[Any], step: Step) -> Entry:
    before = {"state": job.state, "pending_action": job.pending_action}
    after = {"state": step.to or job.state, "pending_action": step.wish}
    return Entry(f"job.{verb}", job.id, before, after)
