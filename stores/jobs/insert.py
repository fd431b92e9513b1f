"""The one statement that stores a job with its first event.

One round trip instead of two, built once: making a statement of this size takes longer than running it.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Connection, Select, Table, bindparam, insert, literal, select

from models import views
from models.ids import new_id
from models.jobs import SampleRequest, TrainRequest
from models.rows import Event, Job
from models.states import EventType, State
from models.views import event_view
from stores.events.bus import Hint
from stores.schedule.position import shown

JOBS = cast(Table, Job.__table__)
EVENTS = cast(Table, Event.__table__)


@dataclass(frozen=True, kw_only=True)
class NewJob:
    """The columns of a job that are known before it is stored: every name looked up, every default filled in."""

    owner: str
    kind: str
    recipe: str
    preset: str | None = None
    dataset: str | None = None
    dataset_id: str | None = None
    params: dict[str, Any]
    seed: int
    queue: str
    priority: int
    name: str | None
    labels: dict[str, str]
    max_attempts: int
    max_runtime_s: int | None
    source: dict[str, Any] | None = None
    source_artifact: str | None = None
    parent: str | None = None
    reason: str | None = None
    needs_bytes: int | None = None
    shape: str | None = None
    images: int | None = None

    @classmethod
    def of(cls, asked: TrainRequest | SampleRequest, **found: Any) -> NewJob:
        """Return the job that a request makes: a column is what was `found` for it, or else what was asked."""
        asked_for = {name: value for name, value in asked if name in cls.__dataclass_fields__}
        return cls(**{**asked_for, **found})


def store(connection: Connection, new: NewJob, alive_s: float) -> tuple[views.Job, Hint]:
    """Insert a job and its first event; return the job as shown to readers, and the hint to publish.

    `alive_s`: seconds since a worker was last seen for which it counts as live.
    """
    job_id = new_id("job")
    change = {"from": None, "to": State.queued, "reason": new.reason}
    values = {**vars(new), "id": job_id, "state": State.queued, "last_seq": 1}
    row = connection.execute(_statement(frozenset(values)), {**values, "event_data": change}).mappings().one()
    event = {"job_id": job_id, "seq": 1, "at": row["event_at"], "attempt": 0, "type": EventType.state, "data": change}
    return shown(connection, [row], alive_s)[0], Hint(new.owner, event_view(event))


@functools.cache
def _statement(names: frozenset[str]) -> Select[Any]:
    job = (
        insert(JOBS)
        .values({name: bindparam(name, type_=JOBS.c[name].type) for name in sorted(names)})
        .returning(*JOBS.c)
        .cte("job")
    )
    first = select(
        job.c.id,
        literal(1),
        literal(0),
        literal(EventType.state.value),
        bindparam("event_data", type_=EVENTS.c.data.type),
    )
    event = (
        insert(EVENTS)
        .from_select(["job_id", "seq", "attempt", "type", "data"], first)
        .returning(EVENTS.c.at.label("event_at"))
        .cte("event")
    )
    return select(*job.c, event.c.event_at).select_from(job.join(event, literal(True)))
