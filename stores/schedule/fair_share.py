"""Fair share: the order in which the owners of waiting jobs are served, written once.

A queue serves the highest priority first. Within a priority, owners take turns in ORDER_OF_OWNERS; within an owner,
jobs run in ORDER_OF_JOBS. Three readers share these lines, so that they cannot disagree:

- the claim (stores/jobs/claim.py) takes the first job of the first owner in OWNERS_IN_TURN;
- a position (stores/schedule/position.py) counts the claims until a job is taken: `jobs_in_turn` repeats the claim in
  memory, on the same columns in the same order;
- the list of next jobs (stores/schedule/upcoming_jobs.py) shows the first of these claims.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import heapify, heappop, heapreplace
from itertools import groupby
from typing import Any

# Who is served first among the owners of one priority. Each name is a column of STANDING and a field of `Owner`; the
# smallest value comes first, and an empty one before all others (an owner who was never served).
#
#   running        jobs of the owner that run in this queue now: an owner with two jobs doesn't wait for somebody else's
#                  five hundred
#   last_served    when a job of the owner was first started here: owners with equally many running jobs alternate
#   first_ordered  since when the owner's first job waits: decides between owners who were never served
#   owner          the name: decides the rest, so that the order is always complete
SERVED_FIRST = ("running", "last_served", "first_ordered", "owner")
ORDER_OF_OWNERS = ", ".join(f"{column} NULLS FIRST" for column in SERVED_FIRST)

# The order of an owner's jobs of one priority. `ordered_at` is when the job was created, unless its owner moved it
# (stores/jobs/reorder.py).
FIRST_CREATED = ("ordered_at", "id")
ORDER_OF_JOBS = ", ".join(FIRST_CREATED)

# How the owner of `pair` (queue, priority, owner) stands now. Each part is a probe of an index.
STANDING = f"""
         CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE queue = pair.queue) AS running, count(*) AS running_anywhere
              FROM jobs WHERE owner = pair.owner AND state = 'running') AS busy
          LEFT JOIN LATERAL (
            SELECT started_at AS last_served FROM jobs
             WHERE queue = pair.queue AND owner = pair.owner AND started_at IS NOT NULL
             ORDER BY started_at DESC LIMIT 1) AS served ON true
          LEFT JOIN LATERAL (
            SELECT ordered_at AS first_ordered FROM jobs
             WHERE queue = pair.queue AND state = 'queued' AND priority = pair.priority AND owner = pair.owner
             ORDER BY {ORDER_OF_JOBS} LIMIT 1) AS oldest ON true
"""  # noqa: S608 - fragments of this module

# To be joined to a relation `line` that names a queue: its priorities from the highest, and of each the owners with
# waiting jobs in the order of their turns, as `turn`. The cost must not grow with the number of waiting jobs, so the
# index ix_jobs_share is walked by leaps: from a priority to the next lower one, from an owner to the next one. LATERAL
# joins are evaluated row by row: a reader that stops at the first priority never looks at the owners of the others.
OWNERS_IN_TURN = f"""
     CROSS JOIN LATERAL (
        WITH RECURSIVE levels AS (
            (SELECT priority FROM jobs WHERE queue = line.queue AND state = 'queued' ORDER BY priority DESC LIMIT 1)
            UNION ALL
            SELECT (SELECT priority FROM jobs
                     WHERE queue = line.queue AND state = 'queued' AND priority < levels.priority
                     ORDER BY priority DESC LIMIT 1)
              FROM levels WHERE levels.priority IS NOT NULL
        )
        SELECT priority FROM levels WHERE priority IS NOT NULL ORDER BY priority DESC
     ) AS level
     CROSS JOIN LATERAL (
        WITH RECURSIVE owners AS (
            (SELECT owner FROM jobs WHERE queue = line.queue AND state = 'queued' AND priority = level.priority
              ORDER BY owner LIMIT 1)
            UNION ALL
            SELECT (SELECT owner FROM jobs
                     WHERE queue = line.queue AND state = 'queued' AND priority = level.priority
                       AND owner > owners.owner
                     ORDER BY owner LIMIT 1)
              FROM owners WHERE owners.owner IS NOT NULL
        )
        SELECT pair.*, {", ".join(SERVED_FIRST[:-1])}, running_anywhere
          FROM (SELECT line.queue, level.priority, owner FROM owners WHERE owner IS NOT NULL) AS pair
         {STANDING}
         ORDER BY {ORDER_OF_OWNERS}
     ) AS turn
"""  # noqa: S608 - fragments of this module

# Later than any real start: a claim that is repeated in memory makes its owner the one who was served last.
AFTER_ALL = datetime(9000, 1, 1, tzinfo=UTC)
Seconds = tuple[float, float, float]  # likely, low, high


@dataclass(frozen=True)
class WaitingJob:
    """A waiting job.

    Attributes:
        id: None for a job that is not stored yet.
        begun: an earlier attempt has started it, so that another start does not count as serving its owner.
        known: jobs of its shape have run here, so that its own speed is known.
        seconds: what it will take; None: unknown.
    """

    id: str | None
    begun: bool
    known: bool
    seconds: Seconds | None


@dataclass
class Owner:
    """An owner with waiting jobs at one priority, as STANDING tells; and the first of these jobs, in ORDER_OF_JOBS."""

    priority: int
    owner: str
    running: int
    last_served: datetime | None
    first_ordered: datetime | None
    jobs: list[WaitingJob] = field(default_factory=list)

    @property
    def rank(self) -> tuple[Any, ...]:
        """The place among the owners of this priority: ORDER_OF_OWNERS as a sort key."""
        values = (getattr(self, column) for column in SERVED_FIRST)
        return tuple((value is not None, value) for value in values)


def jobs_in_turn(owners: Iterable[Owner], workers: int) -> Iterator[WaitingJob]:
    """Yield the waiting jobs of a queue in the order in which claims take them, while nothing new comes or ends.

    Owners are changed on the way, as claims change them.

    Args:
        owners: with their first jobs, the highest priority first.
        workers: how many serve the queue. Of the jobs that an owner had at a higher priority, no more than that can
            still run when the lower one is served.
    """
    served_at = AFTER_ALL
    last_served: dict[str, datetime] = {}
    taken: Counter[str] = Counter()
    for _, level in groupby(owners, key=lambda owner: owner.priority):
        peers = [owner for owner in level if owner.jobs]
        for owner in peers:
            owner.running += min(taken[owner.owner], workers)
            owner.last_served = last_served.get(owner.owner, owner.last_served)
        line = [(owner.rank, iter(owner.jobs), owner) for owner in peers]
        heapify(line)
        while line:
            _, jobs, owner = line[0]
            job = next(jobs, None)
            if job is None:
                heappop(line)
                continue
            yield job
            # What the claim's UPDATE does: one more job runs, and a first start makes its owner the last one served.
            owner.running += 1
            taken[owner.owner] += 1
            if not job.begun:
                served_at += timedelta(microseconds=1)
                owner.last_served = last_served[owner.owner] = served_at
            heapreplace(line, (owner.rank, jobs, owner))
