"""The one statement by which a worker takes its next job.

Who comes first: the highest priority; within it the owner who has the fewest jobs running in this queue, then the one
who was served least recently, then the one who has waited longest; within an owner, the order of the queue. So somebody
with two jobs does not wait for the five hundred of somebody else.

The cost must not grow with the queue, so nothing here sorts or counts what waits. The index over waiting jobs is walked
from its end by leaps: one leap a priority, one leap an owner of that priority. Then the jobs of the first owner in turn
are read in order until one fits and is not locked by another claim. Joins with LATERAL are evaluated row by row, and
the LIMIT stops at the first: only the row that is taken is ever locked.
"""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import Connection, Float, RowMapping, Table, text
from sqlalchemy.sql.selectable import TextualSelect

from models.rows import Job

JOBS = cast(Table, Job.__table__)

# More than any device has: what a worker offers that says nothing of its memory.
ANY_NUMBER_OF_BYTES = 2**62

NEXT = """
WITH RECURSIVE levels AS (
    (SELECT priority FROM jobs WHERE queue = :queue AND state = 'queued' ORDER BY priority DESC LIMIT 1)
    UNION ALL
    SELECT (SELECT priority FROM jobs
             WHERE queue = :queue AND state = 'queued' AND priority < levels.priority
             ORDER BY priority DESC LIMIT 1)
      FROM levels WHERE levels.priority IS NOT NULL
), next AS MATERIALIZED (
    SELECT job.id, turn.most, turn.runs
      FROM (SELECT priority FROM levels WHERE priority IS NOT NULL ORDER BY priority DESC) AS level
     CROSS JOIN LATERAL (
        WITH RECURSIVE owners AS (
            (SELECT owner FROM jobs WHERE queue = :queue AND state = 'queued' AND priority = level.priority
              ORDER BY owner LIMIT 1)
            UNION ALL
            SELECT (SELECT owner FROM jobs
                     WHERE queue = :queue AND state = 'queued' AND priority = level.priority
                       AND owner > owners.owner
                     ORDER BY owner LIMIT 1)
              FROM owners WHERE owners.owner IS NOT NULL
        )
        SELECT owners.owner, running.anywhere AS runs,
               coalesce(quota.most, cast(:running_limit AS int), 2147483647) AS most
          FROM owners
         CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE queue = :queue) AS here, count(*) AS anywhere
              FROM jobs WHERE owner = owners.owner AND state = 'running') AS running
         CROSS JOIN LATERAL (
            -- Through several keys an owner has the widest of their limits; the setting stands for a key without one.
            SELECT max(coalesce(quota_running, cast(:running_limit AS int), 2147483647)) AS most
              FROM keys WHERE owner = owners.owner AND revoked_at IS NULL) AS quota
          LEFT JOIN LATERAL (
            SELECT started_at AS at FROM jobs WHERE queue = :queue AND owner = owners.owner AND started_at IS NOT NULL
             ORDER BY started_at DESC LIMIT 1) AS served ON true
          LEFT JOIN LATERAL (
            SELECT ordered_at AS at FROM jobs
             WHERE queue = :queue AND state = 'queued' AND priority = level.priority AND owner = owners.owner
             ORDER BY ordered_at, id LIMIT 1) AS oldest ON true
         WHERE owners.owner IS NOT NULL
           AND running.anywhere < coalesce(quota.most, cast(:running_limit AS int), 2147483647)
         ORDER BY running.here, served.at NULLS FIRST, oldest.at, owners.owner
     ) AS turn
     CROSS JOIN LATERAL (
        SELECT jobs.id FROM jobs
         WHERE queue = :queue AND state = 'queued' AND priority = level.priority AND owner = turn.owner
           AND run_after <= now() AND (needs_bytes IS NULL OR needs_bytes <= :room)
         ORDER BY ordered_at, id
         LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
     ) AS job
     WHERE NOT (SELECT paused FROM queues WHERE name = :queue)
       AND NOT (SELECT draining FROM workers WHERE id = :worker)
     LIMIT 1
)
"""

TAKE = """, taken AS (
    UPDATE jobs
       SET state = 'running', attempt = attempt + 1, fence = fence + 1, reason = NULL,
           lease_until = now() + make_interval(secs => :lease_s), worker_id = :worker, device = :device,
           started_at = coalesce(started_at, now()), last_seq = last_seq + 1
      FROM next WHERE jobs.id = next.id
    RETURNING jobs.*, next.most, next.runs
), attempt AS (
    INSERT INTO attempts (job_id, number, fence, worker_id, device)
    SELECT id, attempt, fence, worker_id, device FROM taken
)
SELECT taken.*,
       coalesce((SELECT extract(epoch FROM sum(ended_at - started_at)) FROM attempts
                  WHERE job_id = taken.id), 0)::float8 AS spent_s
  FROM taken
"""

STATEMENT: TextualSelect = text(NEXT + TAKE).columns(
    **{column.name: column.type for column in JOBS.columns}, spent_s=Float()
)

# A statement does not see what claims beside it take. Where so many of them could exceed an owner's limit, they take
# turns: each counts again once those before it have been committed.
AT_ONCE = 100
TURN = text("SELECT pg_advisory_xact_lock(hashtextextended('running:' || :owner, 0))")
RUNNING = text("SELECT count(*) FROM jobs WHERE owner = :owner AND state = 'running'")


class QuotaReachedError(Exception):
    """Another claim took this owner's last free place at the same time; take this one back and claim again."""


def take(
    connection: Connection,
    *,
    queue: str,
    worker: str,
    device: str,
    lease_s: float,
    room: int | None = None,
    running_limit: int | None = None,
) -> RowMapping | None:
    """Take the next job that a worker can run: the row as it is now, with `spent_s`; None when there is none.

    Args:
        connection: in a transaction, in which the caller writes the event.
        queue: the queue that the worker serves.
        worker: its id; one that drains takes nothing.
        device: the name of its device.
        lease_s: seconds for which the job is its own.
        room: bytes of memory that a job may need; None: any number.
        running_limit: jobs that an owner may have running, where the owner's keys say nothing; None: any number.

    Raises:
        QuotaReachedError: roll back, and claim again.
    """
    asked: dict[str, Any] = {
        "queue": queue,
        "worker": worker,
        "device": device,
        "lease_s": lease_s,
        "room": ANY_NUMBER_OF_BYTES if room is None else room,
        "running_limit": running_limit,
    }
    row = connection.execute(STATEMENT, asked).mappings().first()
    if row is None:
        return None
    if row["runs"] + AT_ONCE >= row["most"]:
        connection.execute(TURN, {"owner": row["owner"]})
        if (connection.scalar(RUNNING, {"owner": row["owner"]}) or 0) > row["most"]:
            raise QuotaReachedError(row["owner"])
    return row
