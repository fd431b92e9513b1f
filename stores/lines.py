"""The line in front of waiting jobs: each one's place in it, and when it may have ended.

Owners of one priority take turns, so a job is behind every first job of the others before it is in front of its owner's
second (stores/claims.py); what an owner has running counts as turns taken. Only the head of the line is looked at:
further back the number is not worth its cost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, text

from models.views import rfc3339

# The most places that are counted; a job further back is shown at one more.
POSITION_CAP = 1000
# How far a job of which nothing is known may be from what is typical of its queue, and from a pace seen once or twice.
UNKNOWN_LOW, UNKNOWN_HIGH = 0.2, 3.0
SELDOM, SELDOM_SPREAD = 3, 1.5

# What is left to run of a job: by its pace, else as is typical of its queue (a wide range), else unknown.
SECONDS = f"""
    CASE WHEN pace.shape IS NULL OR images IS NULL THEN typical_s
         ELSE overhead_s + images * (1 - done) / images_per_second END AS likely,
    CASE WHEN pace.shape IS NULL OR images IS NULL THEN {UNKNOWN_LOW} * typical_s
         ELSE (overhead_s + images * (1 - done) / fastest)
              / CASE WHEN attempts < {SELDOM} THEN {SELDOM_SPREAD} ELSE 1 END END AS low,
    CASE WHEN pace.shape IS NULL OR images IS NULL THEN {UNKNOWN_HIGH} * typical_s
         ELSE (overhead_s + images * (1 - done) / slowest)
              * CASE WHEN attempts < {SELDOM} THEN {SELDOM_SPREAD} ELSE 1 END END AS high
"""

LINE = text(f"""
WITH RECURSIVE pairs AS (
    (SELECT priority, owner FROM jobs WHERE queue = :queue AND state = 'queued'
      ORDER BY priority DESC, owner DESC LIMIT 1)
    UNION ALL
    SELECT further.priority, further.owner FROM pairs CROSS JOIN LATERAL (
        SELECT priority, owner FROM jobs
         WHERE queue = :queue AND state = 'queued' AND (priority, owner) < (pairs.priority, pairs.owner)
         ORDER BY priority DESC, owner DESC LIMIT 1) AS further
), turns AS (
    SELECT pairs.*, running.n AS running, served.at AS served, oldest.at AS oldest
      FROM (SELECT * FROM pairs LIMIT :most) AS pairs
     CROSS JOIN LATERAL (
        SELECT count(*) AS n FROM jobs WHERE queue = :queue AND owner = pairs.owner AND state = 'running') AS running
      LEFT JOIN LATERAL (
        SELECT started_at AS at FROM jobs WHERE queue = :queue AND owner = pairs.owner AND started_at IS NOT NULL
         ORDER BY started_at DESC LIMIT 1) AS served ON true
     CROSS JOIN LATERAL (
        SELECT ordered_at AS at FROM jobs
         WHERE queue = :queue AND state = 'queued' AND priority = pairs.priority AND owner = pairs.owner
         ORDER BY ordered_at, id LIMIT 1) AS oldest
), line AS (
    SELECT job.*, row_number() OVER (
               ORDER BY turns.priority DESC, turns.running + job.turn, turns.served NULLS FIRST, turns.oldest,
                        turns.owner
           ) AS place
      FROM turns CROSS JOIN LATERAL (
        SELECT id, shape, images, coalesce((progress->>'fraction')::float8, 0) AS done,
               row_number() OVER (ORDER BY ordered_at, id) AS turn
          FROM jobs
         WHERE queue = :queue AND state = 'queued' AND priority = turns.priority AND owner = turns.owner
         ORDER BY ordered_at, id LIMIT :most) AS job
     ORDER BY place LIMIT :most
), costs AS (
    SELECT line.id, place, pace.shape IS NOT NULL AS known, {SECONDS}
      FROM line CROSS JOIN (SELECT typical_s FROM queues WHERE name = :queue) AS queue
      LEFT JOIN paces AS pace ON pace.shape = line.shape AND pace.queue = :queue
)
SELECT * FROM (
    SELECT id, place, CASE WHEN known THEN likely END AS own, low AS own_low, high AS own_high,
           sum(likely) OVER w - likely AS ahead, sum(low) OVER w - low AS ahead_low,
           sum(high) OVER w - high AS ahead_high,
           count(likely) OVER w = place AS all_known
      FROM costs WINDOW w AS (ORDER BY place)) AS places
 WHERE id IN :ids
""").bindparams(bindparam("ids", expanding=True))  # noqa: S608 - numbers of this module

# What runs now is in front too; its own estimate is the best there is.
RUNNING = text(f"""
SELECT count(*) AS count, count(coalesce(left_s, likely)) AS known,
       coalesce(sum(greatest(coalesce(left_s, likely), 0)), 0) AS likely,
       coalesce(sum(greatest(coalesce(left_low, low), 0)), 0) AS low,
       coalesce(sum(greatest(coalesce(left_high, high), 0)), 0) AS high
  FROM (
    SELECT {SECONDS}, extract(epoch FROM (eta->>'at')::timestamptz - now())::float8 AS left_s,
           extract(epoch FROM (eta->>'low')::timestamptz - now())::float8 AS left_low,
           extract(epoch FROM (eta->>'high')::timestamptz - now())::float8 AS left_high
      FROM (SELECT shape, images, queue, eta, coalesce((progress->>'fraction')::float8, 0) AS done
              FROM jobs WHERE queue = :queue AND state = 'running') AS job
     CROSS JOIN (SELECT typical_s FROM queues WHERE name = :queue) AS queue
      LEFT JOIN paces AS pace ON pace.shape = job.shape AND pace.queue = job.queue
  ) AS remaining
""")  # noqa: S608 - numbers of this module

WORKERS = text("""
SELECT count(*) FROM workers
 WHERE queue = :queue AND stopped_at IS NULL AND NOT draining AND last_seen > now() - make_interval(secs => :alive_s)
""")


@dataclass(frozen=True)
class Place:
    """Where a waiting job stands: 1 runs next. `eta` is null while nothing is known to estimate from."""

    position: int
    eta: dict[str, Any] | None


def places(connection: Connection, waiting: Sequence[Mapping[Any, Any]], alive_s: float) -> dict[str, Place]:
    """Return the place of each of these queued jobs: one walk along the head of each queue, however many they are."""
    found: dict[str, Place] = {}
    for queue in {row["queue"] for row in waiting}:
        ids = [row["id"] for row in waiting if row["queue"] == queue]
        rows = connection.execute(LINE, {"queue": queue, "most": POSITION_CAP, "ids": ids}).mappings().all()
        running = connection.execute(RUNNING, {"queue": queue}).mappings().one()
        workers = connection.scalar(WORKERS, {"queue": queue, "alive_s": alive_s}) or 0
        found |= dict.fromkeys(ids, Place(POSITION_CAP + 1, None))
        found |= {row["id"]: Place(row["place"], _eta(row, running, workers)) for row in rows}
    return found


def _eta(row: RowMapping, running: RowMapping, workers: int) -> dict[str, Any] | None:
    """Return when a job may have ended: those in front shared among the workers, then its own run."""
    if not workers or row["own"] is None or not row["all_known"] or running["known"] < running["count"]:
        return None
    now = datetime.now(UTC)

    def after(likely: str, ahead: str, own: str) -> str | None:
        # A worker without a job takes the first in line at once, however long the others still run.
        busy = running[likely] if running["count"] >= workers else 0.0
        return rfc3339(now + timedelta(seconds=min((busy + row[ahead]) / workers + row[own], 3e8)))

    return {
        "at": after("likely", "ahead", "own"),
        "low": after("low", "ahead_low", "own_low"),
        "high": after("high", "ahead_high", "own_high"),
    }
