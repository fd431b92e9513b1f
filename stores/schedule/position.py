"""The line in front of waiting jobs: each one's place in it, and when it may have ended.

Owners of one priority take turns, so a job is behind every first job of the others before it is in front of its owner's
second; what an owner has running counts as turns taken (stores/schedule/fair_share.py). A place is counted, owner by
owner, in the index that claims leap along, and no further than it is worth: neither many owners nor a long queue make
it dear.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, text

from models.states import State
from models.views import Eta, Job, job_view, rfc3339
from stores.fleet.workers import LIVE
from stores.schedule.fair_share import Pair, Standing, standings

# The most places that are counted; a job further back is shown at one more.
POSITION_CAP = 1000
# So many of an owner's jobs are looked at for what they will take; those behind them are taken to be like them.
LOOKED_AT = 20
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
DONE = "coalesce((progress->>'fraction')::float8, 0) AS done"

# The jobs that are asked for, and at which turn of its owner each is.
OWN = text(f"""
SELECT id, owner, priority, pace.shape IS NOT NULL AND images IS NOT NULL AS known, {SECONDS}, 1 + (
       SELECT count(*) FROM (
        SELECT 1 FROM jobs AS other
         WHERE other.queue = :queue AND other.state = 'queued' AND other.priority = mine.priority
           AND other.owner = mine.owner AND (other.ordered_at, other.id) < (mine.ordered_at, mine.id)
         LIMIT :cap) AS ahead) AS turn
  FROM (SELECT id, owner, priority, ordered_at, shape, images, {DONE} FROM jobs
         WHERE id IN :ids AND state = 'queued') AS mine
 CROSS JOIN (SELECT typical_s FROM queues WHERE name = :queue) AS queue
  LEFT JOIN paces AS pace ON pace.shape = mine.shape AND pace.queue = :queue
""").bindparams(bindparam("ids", expanding=True))  # noqa: S608 - numbers of this module

# A job that is not stored: it would be the last of its owner's.
UNSTORED = text(f"""
SELECT NULL AS id, mine.owner, mine.priority, pace.shape IS NOT NULL AND images IS NOT NULL AS known, {SECONDS},
       1 + waiting.n AS turn
  FROM (SELECT cast(:owner AS text) AS owner, cast(:priority AS int) AS priority, cast(:shape AS text) AS shape,
               cast(:images AS bigint) AS images, 0 AS done) AS mine
 CROSS JOIN (SELECT typical_s FROM queues WHERE name = :queue) AS queue
 CROSS JOIN LATERAL (
    SELECT count(*) AS n FROM (
        SELECT 1 FROM jobs
         WHERE queue = :queue AND state = 'queued' AND priority = mine.priority AND owner = mine.owner
         LIMIT :cap) AS ahead) AS waiting
  LEFT JOIN paces AS pace ON pace.shape = mine.shape AND pace.queue = :queue
""")  # noqa: S608 - numbers of this module

# The owners, level by level, down to a priority, within one whoever was served the longest ago first; how many jobs
# each has there, as far as they can be in front. One may be asked for who has none there yet.
OWNERS = text("""
WITH RECURSIVE pairs AS (
    (SELECT priority, owner FROM jobs WHERE queue = :queue AND state = 'queued'
      ORDER BY priority DESC, owner DESC LIMIT 1)
    UNION ALL
    SELECT further.priority, further.owner FROM pairs CROSS JOIN LATERAL (
        SELECT priority, owner FROM jobs
         WHERE queue = :queue AND state = 'queued' AND (priority, owner) < (pairs.priority, pairs.owner)
           AND priority >= :lowest
         ORDER BY priority DESC, owner DESC LIMIT 1) AS further
)
SELECT pairs.priority, pairs.owner, running.n AS running, waiting.n AS waiting
  FROM ((SELECT * FROM pairs LIMIT :cap)
        UNION SELECT :lowest, cast(:new_owner AS text) WHERE cast(:new_owner AS text) IS NOT NULL) AS pairs
 CROSS JOIN LATERAL (
    SELECT count(*) AS n FROM jobs WHERE queue = :queue AND owner = pairs.owner AND state = 'running') AS running
  LEFT JOIN LATERAL (
    SELECT started_at AS at FROM jobs WHERE queue = :queue AND owner = pairs.owner AND started_at IS NOT NULL
     ORDER BY started_at DESC LIMIT 1) AS served ON true
  LEFT JOIN LATERAL (
    SELECT ordered_at AS at FROM jobs
     WHERE queue = :queue AND state = 'queued' AND priority = pairs.priority AND owner = pairs.owner
     ORDER BY ordered_at, id LIMIT 1) AS oldest ON true
 CROSS JOIN LATERAL (
    SELECT count(*) AS n FROM (
        SELECT 1 FROM jobs
         WHERE queue = :queue AND state = 'queued' AND priority = pairs.priority AND owner = pairs.owner
         LIMIT CASE WHEN pairs.priority > :lowest THEN :cap ELSE :turns END) AS ahead) AS waiting
 ORDER BY pairs.priority DESC, served.at NULLS FIRST, oldest.at, pairs.owner
""")

COSTS = text(f"""
SELECT pair.priority, pair.owner, job.*
  FROM unnest(cast(:priorities AS int[]), cast(:owners AS text[])) AS pair (priority, owner)
 CROSS JOIN (SELECT typical_s FROM queues WHERE name = :queue) AS queue
 CROSS JOIN LATERAL (
    SELECT {SECONDS}
      FROM (SELECT shape, images, {DONE}, ordered_at, id FROM jobs
             WHERE queue = :queue AND state = 'queued' AND priority = pair.priority AND owner = pair.owner
             ORDER BY ordered_at, id LIMIT :looked_at) AS first
      LEFT JOIN paces AS pace ON pace.shape = first.shape AND pace.queue = :queue
     ORDER BY ordered_at, id) AS job
""")  # noqa: S608 - numbers of this module

LIVE_WORKERS = f"SELECT count(*) FROM workers WHERE queue = :queue AND {LIVE}"  # noqa: S608
WORKERS = text(LIVE_WORKERS)

# What runs now is in front too, and its own estimate is the best there is; how many work.
RUNNING = text(f"""
SELECT count(*) AS count, count(coalesce(left_s, likely)) AS known,
       coalesce(sum(greatest(coalesce(left_s, likely), 0)), 0) AS likely,
       coalesce(sum(greatest(coalesce(left_low, low), 0)), 0) AS low,
       coalesce(sum(greatest(coalesce(left_high, high), 0)), 0) AS high, ({LIVE_WORKERS}) AS workers
  FROM (
    SELECT {SECONDS}, extract(epoch FROM (eta->>'at')::timestamptz - now())::float8 AS left_s,
           extract(epoch FROM (eta->>'low')::timestamptz - now())::float8 AS left_low,
           extract(epoch FROM (eta->>'high')::timestamptz - now())::float8 AS left_high
      FROM (SELECT shape, images, queue, eta, {DONE}
              FROM jobs WHERE queue = :queue AND state = 'running') AS job
     CROSS JOIN (SELECT typical_s FROM queues WHERE name = :queue) AS queue
      LEFT JOIN paces AS pace ON pace.shape = job.shape AND pace.queue = job.queue
  ) AS remaining
""")  # noqa: S608 - numbers of this module


@dataclass(frozen=True)
class Place:
    """Where a waiting job stands: 1 runs next. `eta` is null while nothing is known to estimate from."""

    position: int
    eta: Eta | None


Likely = tuple[float, float, float]  # seconds: the likely number, the low and the high one


def places(connection: Connection, waiting: Sequence[Mapping[Any, Any]], alive_s: float) -> dict[str, Place]:
    """Return the place of each of these queued jobs, those of one queue together. One that was just taken has none."""
    found: dict[str, Place] = {}
    for queue in {row["queue"] for row in waiting}:
        ids = [row["id"] for row in waiting if row["queue"] == queue]
        jobs = connection.execute(OWN, {"queue": queue, "ids": ids, "cap": POSITION_CAP}).mappings().all()
        found |= _in_line(connection, queue, jobs, alive_s)
    return found


def shown(connection: Connection, rows: Sequence[Mapping[Any, Any]], alive_s: float) -> list[Job]:
    """Return jobs as shown to readers; those that wait with their place and what is known of their end."""
    found = places(connection, [row for row in rows if row["state"] == State.queued], alive_s)
    return [_shown(row, found.get(row["id"])) for row in rows]


def _shown(row: Mapping[Any, Any], place: Place | None) -> Job:
    return job_view(row) if place is None else job_view(row, place.position, place.eta)


def foreseen(connection: Connection, new: Mapping[str, Any], alive_s: float) -> Place:
    """Return the place that a job would have, were it stored now. `new` has owner, priority, queue, shape, images."""
    asked = {name: new[name] for name in ("owner", "priority", "queue", "shape", "images")}
    jobs = connection.execute(UNSTORED, {**asked, "cap": POSITION_CAP}).mappings().all()
    return _in_line(connection, new["queue"], jobs, alive_s, new["owner"])[None]


def _in_line(
    connection: Connection, queue: str, jobs: Sequence[RowMapping], alive_s: float, new_owner: str | None = None
) -> dict[Any, Place]:
    """Return the places of jobs of one queue, whose own turns are known, by their ids."""
    found = {job["id"]: Place(POSITION_CAP + 1, None) for job in jobs}
    near = [job for job in jobs if job["turn"] <= POSITION_CAP]
    if not near:
        return found
    running = connection.execute(RUNNING, {"queue": queue, "alive_s": alive_s}).mappings().one()
    reach = {
        "queue": queue,
        "lowest": min(job["priority"] for job in near),
        "turns": max(job["turn"] for job in near) + running["count"] + running["workers"],
        "cap": POSITION_CAP,
        "new_owner": new_owner,
    }
    line = standings(connection.execute(OWNERS, reach).mappings(), running["workers"])
    ahead = {job["id"]: _ahead(job, line) for job in near}
    ahead = {job_id: counts for job_id, counts in ahead.items() if sum(counts.values()) < POSITION_CAP}
    told = [job["id"] for job in near if _told(job, running)]
    costs = _costs(connection, queue, sorted({pair for job_id in told for pair in ahead.get(job_id, ())}))
    for job in near:
        if (counts := ahead.get(job["id"])) is not None:
            eta = _eta(job, [_sum(costs[pair], count) for pair, count in counts.items()], running)
            found[job["id"]] = Place(1 + sum(counts.values()), eta)
    return found


def _ahead(job: RowMapping, line: Sequence[Standing]) -> dict[Pair, int]:
    """Return how many jobs of each owner come before this one."""
    peers = [one for one in line if one.priority == job["priority"]]
    # Whoever was taken out of the line meanwhile is asked for as if they were its last.
    gone = Standing(job["priority"], job["owner"], 0, 0, len(peers))
    mine = next((one for one in peers if one.owner == job["owner"]), gone)
    counts = {one.pair: one.waiting for one in line if one.priority > job["priority"]}
    counts |= {one.pair: job["turn"] - 1 if one is mine else one.before(mine, job["turn"]) for one in peers}
    return {pair: count for pair, count in counts.items() if count}


def _costs(connection: Connection, queue: str, pairs: Sequence[Pair]) -> dict[Pair, list[Likely | None]]:
    """Return the seconds that the first jobs of each owner will take, in order; None where nothing is known."""
    costs: dict[Pair, list[Likely | None]] = defaultdict(list)
    if pairs:
        asked = {"priorities": [pair[0] for pair in pairs], "owners": [pair[1] for pair in pairs]}
        for row in connection.execute(COSTS, {"queue": queue, "looked_at": LOOKED_AT, **asked}).mappings():
            seconds = None if row["likely"] is None else (row["likely"], row["low"], row["high"])
            costs[row["priority"], row["owner"]].append(seconds)
    return costs


def _sum(costs: Sequence[Likely | None], count: int) -> Likely | None:
    """Return what `count` jobs of an owner take together: those that were looked at, and others like them."""
    looked = [seconds for seconds in costs[:count] if seconds is not None]
    if not looked or len(looked) < len(costs[:count]):
        return None
    first, low, high = (sum(column) * max(1.0, count / len(looked)) for column in zip(*looked, strict=True))
    return first, low, high


def _told(job: RowMapping, running: RowMapping) -> bool:
    """Tell whether anything can be said of a job's end: somebody works, and it and what runs are known."""
    return bool(running["workers"] and job["known"] and running["known"] == running["count"])


def _eta(job: RowMapping, ahead: Sequence[Likely | None], running: RowMapping) -> Eta | None:
    """Return when a job may have ended: those in front shared among the workers, then its own run."""
    known = [seconds for seconds in ahead if seconds is not None]
    if not _told(job, running) or len(known) < len(ahead):
        return None
    workers = running["workers"]
    now = datetime.now(UTC)
    ends = []
    for n, name in enumerate(("likely", "low", "high")):
        # A worker without a job takes the first in line at once, however long the others still run.
        busy = running[name] if running["count"] >= workers else 0.0
        wait = (busy + sum(seconds[n] for seconds in known)) / workers
        ends.append(rfc3339(now + timedelta(seconds=min(wait + job[name], 3e8))))
    at, low, high = ends
    return Eta(at=at, low=low, high=high)
