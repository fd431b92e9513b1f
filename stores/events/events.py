"""Events: written in the transaction that they report, read in two orders.

Within a job, `seq` counts 1, 2, 3 … without a gap: it is raised in the job's row, whose lock makes writers take turns.

Across jobs there is no such lock, so a global counter would have holes that fill up later, and a reader past the hole
would miss what fills it. The feed is ordered by the writing transaction's id instead, and shows only what is older than
every transaction still under way (`pg_snapshot_xmin`): nothing can appear behind a reader. That order agrees with
`seq` because every writer locks the job's row before its first write, and a transaction gets its id at its first write.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, func, insert, select, text

from models import views
from models.ids import is_id
from models.messages import Conflicts
from models.rows import Event, Job
from models.states import EventType
from models.views import event_view
from stores.events.bus import Hint
from stores.infra.errors import BadPositionError

# Events that one look at the feed passes at most, other owners' included, so that no look takes long.
WINDOW = 5000

# One look: the reader's own events among the next `window` settled ones (`passed`), and how far it came: to the end of
# what is settled, or to where the window ends (`far`). The owner is looked up row by row: a join could read all of an
# owner's jobs for each of them.
LOOK = text("""
WITH settled AS MATERIALIZED (
         SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS txid),
     passed AS MATERIALIZED (
         SELECT txid, job_id, seq FROM events
          WHERE (txid, job_id, seq) > (:txid, :job_id, :seq) AND txid < (SELECT txid FROM settled)
          ORDER BY txid, job_id, seq LIMIT :window),
     far AS (
         SELECT txid, job_id, seq FROM passed ORDER BY txid, job_id, seq OFFSET :window - 1 LIMIT 1),
     own AS (
         SELECT txid, job_id, seq FROM passed
          WHERE CAST(:owner AS text) IS NULL OR (SELECT owner FROM jobs WHERE jobs.id = passed.job_id) = :owner
          ORDER BY txid, job_id, seq LIMIT :limit)
SELECT settled.txid AS settled, far.txid AS far_txid, far.job_id AS far_job_id, far.seq AS far_seq, events.*
  FROM settled
  LEFT JOIN far ON true
  LEFT JOIN own ON true
  LEFT JOIN events ON events.job_id = own.job_id AND events.seq = own.seq
 ORDER BY own.txid, own.job_id, own.seq
""")


def append(
    connection: Connection,
    owner: str,
    job_id: str,
    attempt: int,
    first_seq: int,
    news: Sequence[tuple[str, dict[str, Any]]],
) -> list[Hint]:
    """Insert events numbered from `first_seq`. The caller has locked the job's row and incremented its `last_seq`."""
    if not news:
        return []
    rows = connection.execute(
        insert(Event).returning(Event.seq, Event.at, sort_by_parameter_order=True),
        [
            {"job_id": job_id, "seq": first_seq + n, "attempt": attempt, "type": kind, "data": data}
            for n, (kind, data) in enumerate(news)
        ],
    ).all()
    return [
        Hint(
            owner,
            event_view({"job_id": job_id, "seq": seq, "at": at, "attempt": attempt, "type": kind, "data": data}),
        )
        for (seq, at), (kind, data) in zip(rows, news, strict=True)
    ]


def append_to_each(
    connection: Connection, jobs: Sequence[Row[Any]], data: Callable[[Row[Any]], dict[str, Any]]
) -> list[Hint]:
    """Insert one event each for many jobs that change state together. The caller has locked and numbered each."""
    if not jobs:
        return []
    rows = [
        {
            "job_id": job.id,
            "seq": job.last_seq + 1,
            "attempt": job.attempt,
            "type": EventType.state,
            "data": data(job),
        }
        for job in jobs
    ]
    times = connection.scalars(insert(Event).returning(Event.at, sort_by_parameter_order=True), rows).all()
    return [Hint(job.owner, event_view({**row, "at": at})) for job, row, at in zip(jobs, rows, times, strict=True)]


@dataclass(frozen=True, order=True)
class Position:
    """A position in the feed over all jobs."""

    txid: int
    job_id: str
    seq: int


@dataclass(frozen=True)
class Look:
    """What one look at the feed found: events with their positions, the position to go on from, and whether at once."""

    events: list[tuple[Position, views.Event]]
    position: Position
    more: bool


class Events:
    """Reads events: of one job by `seq`, or of all jobs in the order of their commit."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    def page(self, job_id: str, after: int, limit: int) -> list[views.Event]:
        """Return up to `limit` events of a job with seq > `after`, oldest first."""
        query = select(Event).where(Event.job_id == job_id, Event.seq > after).order_by(Event.seq).limit(limit)
        with self._engine.connect() as connection:
            return [event_view(row) for row in connection.execute(_columns(query)).mappings()]

    def newest(self, job_id: str, kinds: Collection[str], limit: int, before: int | None = None) -> list[views.Event]:
        """Return up to `limit` events of these types of a job (with seq < `before`), newest first."""
        query = select(Event).where(Event.job_id == job_id, Event.type.in_(list(kinds)))
        if before is not None:
            query = query.where(Event.seq < before)
        with self._engine.connect() as connection:
            rows = connection.execute(_columns(query.order_by(Event.seq.desc()).limit(limit))).mappings()
            return [event_view(row) for row in rows]

    def now(self) -> Position:
        """Return the end of the feed; later events are not settled yet."""
        with self._engine.connect() as connection:
            xmin = connection.scalar(text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"))
        return Position(int(xmin or 0), "", 0)

    def position(self, last_event_id: str, owner: str | None) -> Position:
        """Return the position in the feed that a `job:seq` names.

        Raises:
            BadPositionError: no such event, or not one that this reader may see.
        """
        job_id, _, seq = last_event_id.rpartition(":")
        if not (is_id("job", job_id) and seq.isascii() and seq.isdigit() and len(seq) < 19):
            raise BadPositionError(Conflicts.event_id_malformed())
        query = select(Event.txid).where(Event.job_id == job_id, Event.seq == int(seq))
        if owner is not None:
            query = query.join(Job, Job.id == Event.job_id).where(Job.owner == owner)
        with self._engine.connect() as connection:
            txid = connection.scalar(query)
        if txid is None:
            raise BadPositionError(Conflicts.event_id_unknown())
        return Position(txid, job_id, int(seq))

    def look(self, after: Position, owner: str | None, limit: int, window: int = WINDOW) -> Look:
        """Return up to `limit` settled events after a position, of all jobs of an owner (None: of all owners).

        The position moves although no event is the owner's, so that the next look does not read them again.
        """
        asked = {"txid": after.txid, "job_id": after.job_id, "seq": after.seq}
        asked |= {"owner": owner, "limit": limit, "window": window}
        with self._engine.connect() as connection:
            rows = connection.execute(LOOK, asked).mappings().all()
        found = [row for row in rows if row["job_id"] is not None]
        events = [(Position(row["txid"], row["job_id"], row["seq"]), event_view(row)) for row in found]
        if len(events) == limit:
            return Look(events, events[-1][0], True)
        reached = rows[0]
        if reached["far_txid"] is not None:
            return Look(events, Position(reached["far_txid"], reached["far_job_id"], reached["far_seq"]), True)
        end = Position(reached["settled"], "", 0)
        # A reader may have come with the id of an event that is not settled yet.
        return Look(events, max(after, end), False)

    def last_seqs(self, job_ids: Collection[str]) -> dict[str, int]:
        """Return the number of each job's newest event; missing jobs are left out."""
        if not job_ids:
            return {}
        with self._engine.connect() as connection:
            rows = connection.execute(select(Job.id, Job.last_seq).where(Job.id.in_(job_ids)))
            return {row.id: row.last_seq for row in rows}

    def last_seq(self, job_id: str) -> int:
        """Return the number of the job's newest event."""
        with self._engine.connect() as connection:
            return connection.scalar(select(func.coalesce(func.max(Event.seq), 0)).where(Event.job_id == job_id)) or 0


def _columns(query: Any) -> Any:
    """Select plain columns, not mapped objects, because the result is a dictionary anyway."""
    return query.with_only_columns(*Event.__table__.columns, maintain_column_froms=True)
