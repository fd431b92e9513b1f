"""Stores a job together with its first event, its audit row and the answer to the request, in one SQL statement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, Integer, LargeBinary, Table, Text, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from models import views
from models.jobs import AnyRequest
from models.messages import Conflicts, Message
from models.rows import Job
from models.states import EventType, State
from models.views import event_view, job_view
from stores.accounts.audit import Actor, Entry
from stores.accounts.quotas import COUNT_QUEUED
from stores.jobs.idempotency import Request
from stores.schedule.awaited import with_reason
from stores.schedule.position import Place

JOBS = cast(Table, Job.__table__)


@dataclass(frozen=True, kw_only=True)
class NewJob:
    """The columns of a job before it is stored, with every name looked up and every default filled in."""

    owner: str
    kind: str
    recipe: str
    preset: str | None = None
    dataset: str | None = None
    dataset_id: str | None = None
    params: dict[str, Any]
    seed: int
    queue: str
    queue_asked: bool = False
    priority: int
    name: str | None
    labels: dict[str, str]
    project: str | None = None
    notes: str | None = None
    max_attempts: int
    max_runtime_s: int | None
    source: dict[str, Any] | None = None
    source_artifact: str | None = None
    source_dataset: str | None = None
    parent: str | None = None
    reason: str | None = None
    waits_for: str | None = None
    needs_bytes: int | None = None
    needs_units: bool = False
    shape: str | None = None
    images: int | None = None

    @classmethod
    def of(cls, asked: AnyRequest, **found: Any) -> NewJob:
        """Return the job that a request makes. `found` has the columns that placement decides; others are as asked."""
        asked_for = {name: value for name, value in asked if name in cls.__dataclass_fields__}
        return cls(**{**asked_for, "queue_asked": asked.queue != "auto", **found})


# The columns of a job to which nothing has happened yet: what the database fills in by default.
UNTOUCHED: dict[str, Any] = {
    **dict.fromkeys(JOBS.c.keys()),
    "progress": {},
    "last_metrics": {},
    "starred": False,
    "attempt": 0,
    "last_seq": 0,
}


def new_job_view(new: NewJob, place: Place, **stored: Any) -> views.Job:
    """Return the view of a job that is not stored yet. What `stored` lacks of a stored job's fields is null or zero."""
    found = job_view({**UNTOUCHED, **vars(new), **stored}, place.position, place.eta)
    return found if new.waits_for is None else with_reason(found)


COLUMNS = (*NewJob.__dataclass_fields__, "id", "state", "last_seq")
# A stored answer that is older than 72 hours is replaced.
#
# The request has looked up its data set, its checkpoint and other jobs, and all may be deleted since. The locks are
# those of foreign keys, taken before the job is stored: a deletion comes first and nothing is stored, or it waits and
# then finds the job, which keeps what it needs.
STORE = text(f"""
WITH waiting AS ({COUNT_QUEUED}), dataset AS (
    SELECT id FROM datasets WHERE id = :dataset_id AND deleted_at IS NULL FOR KEY SHARE
), judged AS (
    SELECT id FROM datasets WHERE id = :source_dataset AND deleted_at IS NULL FOR KEY SHARE
), checkpoint AS (
    SELECT artifacts.id FROM artifacts JOIN jobs ON jobs.id = artifacts.job_id
     WHERE artifacts.id = :source_artifact AND jobs.trashed_at IS NULL FOR KEY SHARE
), parent AS (
    SELECT id FROM jobs WHERE id = :parent AND trashed_at IS NULL FOR KEY SHARE
), awaited AS (
    SELECT id FROM jobs WHERE id = :waits_for AND trashed_at IS NULL FOR KEY SHARE
), found AS (
    SELECT (:dataset_id IS NULL OR EXISTS (SELECT 1 FROM dataset)) AS dataset,
           (:source_dataset IS NULL OR EXISTS (SELECT 1 FROM judged)) AS judged,
           (:source_artifact IS NULL OR EXISTS (SELECT 1 FROM checkpoint)) AS checkpoint,
           (:parent IS NULL OR EXISTS (SELECT 1 FROM parent)) AS parent,
           (:waits_for IS NULL OR EXISTS (SELECT 1 FROM awaited)) AS awaited
), job AS (
    INSERT INTO jobs ({", ".join(COLUMNS)})
    SELECT {", ".join(f":{name}" for name in COLUMNS)} FROM waiting, found
     WHERE (:limit IS NULL OR n < :limit) AND found.dataset AND found.judged AND found.checkpoint
       AND found.parent AND found.awaited
    RETURNING id
), event AS (
    INSERT INTO events (job_id, seq, attempt, type, data) SELECT id, 1, 0, 'state', :change FROM job
    RETURNING at
), line AS (
    INSERT INTO audit (owner, key_id, action, subject, after) SELECT :actor, :key_id, :action, id, :after FROM job
), answer AS (
    INSERT INTO idempotency (owner, key, body_sha256, job_id, response)
    SELECT :owner, :key, :body_sha256, id, :response FROM job WHERE :key IS NOT NULL
    ON CONFLICT (owner, key) DO UPDATE
       SET (body_sha256, job_id, response, created_at)
         = (excluded.body_sha256, excluded.job_id, excluded.response, now())
     WHERE idempotency.created_at <= now() - interval '72 hours'
    RETURNING key
)
SELECT n AS waiting, (SELECT at FROM event) AS at, (SELECT key FROM answer) AS key, found.* FROM waiting, found
""").bindparams(  # noqa: S608 - names of columns, and a fragment of this program
    *(bindparam(name, type_=JOBS.c[name].type) for name in COLUMNS),
    *(bindparam(name, type_=Text()) for name in ("actor", "key_id", "action", "key")),
    *(bindparam(name, type_=JSONB(none_as_null=True)) for name in ("change", "after", "response")),
    bindparam("limit", type_=Integer()),
    bindparam("body_sha256", type_=LargeBinary()),
)


@dataclass(frozen=True)
class Stored:
    """The result of storing a job.

    Attributes:
        at: time of its first event; None: the job was not stored, because the owner's quota was used up, or its data
            set or checkpoint was deleted since it was looked up.
        waiting: how many of the owner's jobs waited before, counted up to the limit.
        key: the idempotency key whose answer was stored; None: there was no key, or another request was faster with it.
        gone: what was deleted since it was looked up, as a reason for the person who asked.
    """

    at: datetime | None
    waiting: int
    key: str | None
    gone: Message | None


def store(
    connection: Connection,
    new: NewJob,
    view: views.Job,
    line: tuple[Actor, Entry],
    request: Request | None,
    limit: int | None,
) -> Stored:
    """Store a job.

    Args:
        connection: in the transaction that holds the locks of key and quota.
        new: its columns.
        view: the job as readers see it, which is also the answer to the request.
        line: who submits the job, and the audit row.
        request: the request with its idempotency key; None: it has no key.
        limit: how many of the owner's jobs may wait, including this one; None: there is room without counting.
    """
    actor, entry = line
    row = connection.execute(
        STORE,
        {
            **vars(new),
            "id": view["id"],
            "state": State.queued,
            "last_seq": 1,
            "change": change(view),
            "actor": actor.owner,
            "key_id": actor.key_id,
            "action": entry.action,
            "after": entry.after,
            "key": None if request is None else request.key,
            "body_sha256": None if request is None else request.body_sha256,
            "response": None if request is None else view,
            "limit": limit,
        },
    ).one()
    gone = None
    if not row.dataset:
        gone = Conflicts.dataset_deleted_meanwhile(dataset=new.dataset)
    elif not row.judged:
        gone = Conflicts.dataset_deleted_meanwhile(dataset=(new.source or {}).get("dataset"))
    elif not row.checkpoint:
        gone = Conflicts.checkpoint_removed_meanwhile(checkpoint=new.source_artifact)
    elif not (row.parent and row.awaited):
        gone = Conflicts.job_deleted_meanwhile(job=new.waits_for if row.parent else new.parent)
    return Stored(row.at, row.waiting, row.key, gone)


def first_event(view: views.Job, at: datetime | None) -> views.Event:
    """Return the first event of a job that was stored."""
    first = {"job_id": view["id"], "seq": 1, "at": at, "attempt": 0, "type": EventType.state}
    return event_view({**first, "data": change(view)})


def change(view: views.Job) -> dict[str, Any]:
    """Return what the first event of a job tells."""
    data = {"from": None, "to": State.queued, "reason": view["reason"]}
    return data if view["reason_text"] is None else {**data, "text": view["reason_text"]}
