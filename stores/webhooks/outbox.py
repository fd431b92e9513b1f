"""From events to messages. The events table is the outbox: its rows are committed with the changes that they report.

The sweeper reads notable events in the order of the feed and stores the messages in the transaction that moves its
position on. So each event makes its messages once, whoever is killed when. Transactions of jobs stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Row, select, text
from sqlalchemy.dialects.postgresql import insert

from models.ids import new_id
from models.rows import Delivery, Job
from models.views import job_view
from models.webhooks import WebhookEvent, events_of
from stores.fleet.workers import SEEN_TODAY
from stores.webhooks import bodies

BATCH = 500

_POSITION = text("SELECT txid, job_id, seq FROM feed_positions WHERE name = 'webhooks' FOR UPDATE SKIP LOCKED")
_MOVE = text("UPDATE feed_positions SET txid = :txid, job_id = :job_id, seq = :seq WHERE name = 'webhooks'")
# A look without a lock, because most of the time there is nothing to do.
_IS_THERE_MORE = text("""
SELECT EXISTS (
    SELECT 1 FROM events, feed_positions AS at
     WHERE at.name = 'webhooks' AND events.type IN ('state', 'alert')
       AND (events.txid, events.job_id, events.seq) > (at.txid, at.job_id, at.seq)
       AND events.txid < (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint))
""")
_NOTABLE = text("""
SELECT txid, job_id, seq, at, type, data FROM events
 WHERE type IN ('state', 'alert') AND (txid, job_id, seq) > (:txid, :job_id, :seq)
   AND txid < (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint)
 ORDER BY txid, job_id, seq LIMIT :limit
""")
# Who listens: webhooks that are not paused and whose owner still has a key, an admin's for those over all owners.
_LISTENING = text("""
SELECT id, owner, all_owners, events, filter, created_at FROM webhooks
 WHERE paused_at IS NULL AND (all_owners OR owner = ANY(:owners))
   AND EXISTS (SELECT 1 FROM keys WHERE keys.owner = webhooks.owner AND keys.revoked_at IS NULL
                  AND (NOT webhooks.all_owners OR keys.role = 'admin'))
 ORDER BY id
""")
# Workers of the last day that nobody has heard of for a lease, each once.
_LOST = text(f"""
UPDATE workers SET lost_at = now()
 WHERE lost_at IS NULL AND stopped_at IS NULL AND {SEEN_TODAY}
   AND last_seen <= now() - make_interval(secs => :alive_s)
RETURNING id, name, queue, host, last_seen, lost_at
""")  # noqa: S608
_ITS_JOB = text("""
SELECT job_id FROM attempts
 WHERE worker_id = :worker AND (ended_at IS NULL OR (outcome = 'lost' AND ended_at > now() - interval '10 minutes'))
 ORDER BY started_at DESC LIMIT 1
""")


class Outbox:
    """Makes messages of events and of lost workers."""

    def __init__(self, engine: Engine, alive_s: float) -> None:
        self._engine = engine
        self._reader = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._alive_s = alive_s

    def dispatch(self, limit: int = BATCH) -> tuple[int, bool]:
        """Turn the next settled events into messages. Returns how many messages, and whether more events wait."""
        with self._reader.connect() as connection:
            if not connection.scalar(_IS_THERE_MORE):
                return 0, False
        with self._engine.begin() as connection:
            at = connection.execute(_POSITION).first()
            if at is None:
                return 0, False  # another sweeper is at it
            found = connection.execute(_NOTABLE, {**at._mapping, "limit": limit}).all()
            if not found:
                return 0, False
            made = _messages(connection, found)
            _store(connection, made)
            last = found[-1]
            connection.execute(_MOVE, {"txid": last.txid, "job_id": last.job_id, "seq": last.seq})
        return len(made), len(found) == limit

    def tell_lost_workers(self) -> int:
        """Make the messages of workers that are lost since the last call; return how many messages."""
        with self._engine.begin() as connection:
            lost = connection.execute(_LOST, {"alive_s": self._alive_s}).mappings().all()
            made = [message for worker in lost for message in _of_lost(connection, worker)]
            _store(connection, made)
        return len(made)


def _messages(connection: Connection, found: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    query = select(*Job.__table__.columns).where(Job.id.in_({event.job_id for event in found}))
    jobs = {row["id"]: row for row in connection.execute(query).mappings()}
    owners = sorted({job["owner"] for job in jobs.values()})
    listening = connection.execute(_LISTENING, {"owners": owners}).all()
    made = []
    for event in found:
        job = jobs.get(event.job_id)
        if job is None:  # deleted meanwhile
            continue
        for told in events_of(job["kind"], event.type, event.data):
            hear = [one for one in listening if event.at >= one.created_at and _hears(one, told, job)]
            if hear:
                body = bodies.of_event(told, event.at, event.type, event.data, job_view(job))
                made += [_message(one.id, told, body, event.job_id, event.seq) for one in hear]
    return made


def _of_lost(connection: Connection, worker: Mapping[Any, Any]) -> list[dict[str, Any]]:
    job_id = connection.scalar(_ITS_JOB, {"worker": worker["id"]})
    row = None
    if job_id is not None:
        row = connection.execute(select(*Job.__table__.columns).where(Job.id == job_id)).mappings().first()
    job = None if row is None else job_view(row)
    listening = connection.execute(_LISTENING, {"owners": [] if row is None else [row["owner"]]}).all()
    made = []
    for one in listening:
        if WebhookEvent.worker_lost not in one.events or one.created_at > worker["lost_at"]:
            continue
        # A filter asks for certain jobs, so it hides a worker that ran none of them.
        if not one.filter or (row is not None and _matches(one.filter, row)):
            body = bodies.of_lost_worker(worker, job, whole=one.all_owners)
            made.append(_message(one.id, WebhookEvent.worker_lost, body, job_id, None))
    return made


def _store(connection: Connection, made: list[dict[str, Any]]) -> None:
    if made:
        # Numbered in this order, in which a job's messages go out.
        connection.execute(insert(Delivery).on_conflict_do_nothing(), made)


def _message(webhook_id: str, type_: str, body: str, job_id: str | None, seq: int | None) -> dict[str, Any]:
    return {
        "id": new_id("dlv"),
        "webhook_id": webhook_id,
        "message_id": new_id("msg"),
        "type": str(type_),
        "job_id": job_id,
        "seq": seq,
        "body": body,
    }


def _hears(webhook: Row[Any], event: WebhookEvent, job: Mapping[Any, Any]) -> bool:
    mine = webhook.all_owners or webhook.owner == job["owner"]
    return mine and event in webhook.events and _matches(webhook.filter, job)


def _matches(chosen: Mapping[str, Sequence[str]], job: Mapping[Any, Any]) -> bool:
    """Return whether a job is among those that `GET /v1/jobs` lists with this filter."""
    for name in ("kind", "recipe", "queue", "project", "owner"):
        if (choices := chosen.get(name)) and job[name] not in choices:
            return False
    if (datasets := chosen.get("dataset")) and not {job["dataset"], job["dataset_id"]}.intersection(datasets):
        return False
    labels: dict[str, set[str]] = {}
    for label in chosen.get("label", ()):
        key, value = re.split("[:=]", label, maxsplit=1)
        labels.setdefault(key, set()).add(value)
    return all(job["labels"].get(key) in values for key, values in labels.items())
