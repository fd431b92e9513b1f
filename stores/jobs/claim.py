"""The claim: the one statement by which a worker takes its next job.

Who comes first: the highest priority; within it the owner in the order of fair share (stores/schedule/fair_share.py);
within an owner the order of its own jobs. An owner at its limit of running jobs is passed over, and so is a job that
waits out a back-off or for another job's end, needs more memory than the worker has, or needs units for bfloat16 that
its processor lacks.

The cost must not grow with the queue, so nothing here sorts or counts the jobs that wait. Owners are found by leaps
along an index. Then the jobs of the first owner are read in order, until one fits and is not locked by another claim.
"""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import Connection, Float, RowMapping, Table, text
from sqlalchemy.sql.selectable import TextualSelect

from models.rows import Job
from stores.infra.sql import AWAITED_ENDED, RAN
from stores.schedule.fair_share import ORDER_OF_JOBS, OWNERS_IN_TURN

JOBS = cast(Table, Job.__table__)

# The room of a worker that does not know its memory: more than any device has.
UNLIMITED_BYTES = 2**62

# Picks and locks the job to take.
PICK_JOB = f"""
WITH picked AS MATERIALIZED (
    SELECT job.id, turn.running_limit, turn.running_anywhere
      FROM (
        -- 1. Priorities from the highest, and of each the owners in the order of their turns.
        SELECT turn.*, quota.running_limit
          FROM (SELECT cast(:queue AS text) AS queue) AS line
          {OWNERS_IN_TURN}
        -- 2. How many jobs an owner may have running, in all queues together. Through several keys an owner has the
        --    widest of their limits. The setting stands for a key without a limit, and for an owner without a key.
         CROSS JOIN LATERAL (
            SELECT coalesce(max(coalesce(quota_running, cast(:running_limit AS int), 2147483647)),
                            cast(:running_limit AS int), 2147483647) AS running_limit
              FROM keys WHERE owner = turn.owner AND revoked_at IS NULL) AS quota
         WHERE turn.running_anywhere < quota.running_limit
        -- OFFSET 0 keeps this part whole: without it, Postgres may look for a job, and lock it, before it looks at the
        -- limit of its owner.
        OFFSET 0
      ) AS turn
    -- 3. The owner's first job that may run now and has room here. A row that another claim has locked is skipped, not
    --    waited for: that is what lets any number of workers claim at once. The lock leaves the row's key free, so that
    --    events, which refer to it, can still be inserted.
     CROSS JOIN LATERAL (
        SELECT jobs.id FROM jobs
         WHERE queue = :queue AND state = 'queued' AND priority = turn.priority AND owner = turn.owner
           AND run_after <= now() AND (needs_bytes IS NULL OR needs_bytes <= :room)
           AND (NOT needs_units OR cast(:units AS boolean))
           AND {AWAITED_ENDED}
         ORDER BY {ORDER_OF_JOBS}
         LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
     ) AS job
    -- 4. Nobody takes anything from a paused queue, and a draining worker takes nothing at all.
     WHERE NOT (SELECT paused FROM queues WHERE name = :queue)
       AND NOT (SELECT draining FROM workers WHERE id = :worker)
    -- 5. The joins above are evaluated row by row and stop here: no row is locked but the one that is taken.
     LIMIT 1
)
"""  # noqa: S608 - fragments of this program

# Makes the picked job this worker's, in the same statement.
START_ATTEMPT = f""", started AS (
    -- The fence goes up with every claim: whoever held the job before can no longer write to it.
    -- `started_at` stays that of the first attempt: only a first start counts as serving the owner.
    UPDATE jobs
       SET state = 'running', attempt = attempt + 1, fence = fence + 1, reason = NULL, reason_text = NULL,
           lease_until = now() + make_interval(secs => :lease_s), worker_id = :worker, device = :device,
           started_at = coalesce(started_at, now()), last_seq = last_seq + 1
      FROM picked WHERE jobs.id = picked.id
    RETURNING jobs.*, picked.running_limit, picked.running_anywhere
), attempt AS (
    INSERT INTO attempts (job_id, number, fence, worker_id, device)
    SELECT id, attempt, fence, worker_id, device FROM started
)
-- The row as it is now; and the seconds that earlier attempts ran, which count against `max_runtime_s`.
SELECT started.*,
       coalesce((SELECT extract(epoch FROM {RAN}) FROM attempts WHERE job_id = started.id), 0)::float8 AS spent_s
  FROM started
"""  # noqa: S608 - fragments of this program

CLAIM: TextualSelect = text(PICK_JOB + START_ATTEMPT).columns(
    **{column.name: column.type for column in JOBS.columns}, spent_s=Float()
)

# A statement does not see what other claims take at the same time, so together they could exceed an owner's limit. It
# is assumed that fewer claims than this are under way at once: an owner who is further from its limit can't exceed it.
MOST_CLAIMS_AT_ONCE = 100
# Closer to the limit, the claims of an owner run one at a time, until each is committed, and count again.
ONE_CLAIM_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('running:' || :owner, 0))")
COUNT_RUNNING = text("SELECT count(*) FROM jobs WHERE owner = :owner AND state = 'running'")


class QuotaReachedError(Exception):
    """Another claim took this owner's last free place at the same time; take this one back and claim again."""


def take_job(
    connection: Connection,
    *,
    queue: str,
    worker: str,
    device: str,
    lease_s: float,
    room: int | None = None,
    units: bool | None = None,
    running_limit: int | None = None,
) -> RowMapping | None:
    """Take the next job that a worker can run: the row as it is now, with `spent_s`; None when there is none.

    Args:
        connection: in a transaction, in which the caller writes the event.
        queue: the queue that the worker serves.
        worker: its id.
        device: the name of its device.
        lease_s: seconds for which the job is its own.
        room: bytes of memory that a job may need; None: any number.
        units: whether jobs that began in bfloat16 can go on there; None: they may try.
        running_limit: jobs that an owner may have running, where the owner's keys say nothing; None: any number.

    Raises:
        QuotaReachedError: roll back, and claim again.
    """
    asked: dict[str, Any] = {
        "queue": queue,
        "worker": worker,
        "device": device,
        "lease_s": lease_s,
        "room": UNLIMITED_BYTES if room is None else room,
        "units": units is not False,
        "running_limit": running_limit,
    }
    row = connection.execute(CLAIM, asked).mappings().first()
    if row is None:
        return None
    if row["running_anywhere"] + MOST_CLAIMS_AT_ONCE >= row["running_limit"]:
        connection.execute(ONE_CLAIM_AT_A_TIME, {"owner": row["owner"]})
        # Now this transaction sees the claims before it, and its own.
        if (connection.scalar(COUNT_RUNNING, {"owner": row["owner"]}) or 0) > row["running_limit"]:
            raise QuotaReachedError(row["owner"])
    return row
