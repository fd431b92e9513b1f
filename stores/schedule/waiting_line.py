"""The statement that reads the line of waiting jobs in front of some jobs, however many jobs and queues they are.

It returns the running jobs, the first waiting jobs of each owner with what the order of turns needs, and the seconds
that each job may take. The cost depends on how far from the front the jobs can be, at most EXACT, and not on the length
of the queue.

A position agrees with the claims (stores/jobs/claim.py), because both are made of the same parts of
stores/schedule/fair_share.py:

    the claim                                         here
    takes the first owner of OWNERS_IN_TURN           OWNERS reads the owners of OWNERS_IN_TURN
    and of that owner the first job in ORDER_OF_JOBS  WAITING reads the owner's first jobs in ORDER_OF_JOBS
    and changes how the owner stands                  `jobs_in_turn` does the same in memory, job after job

A position leaves out, on purpose, for what reasons a claim may pass a job over: its owner's limit, a back-off, another
job that it waits for, memory, and units for bfloat16.
"""

from __future__ import annotations

from sqlalchemy import TextClause, text

from stores.fleet.workers import LIVE
from stores.schedule.fair_share import FIRST_CREATED, ORDER_OF_JOBS, OWNERS_IN_TURN, STANDING

# Positions up to here are exact, further back they are estimates.
EXACT = 100
# A job whose estimate is further back than this cannot be among the exact ones, so nobody reads what is in front of it.
NEAR = 2 * EXACT
# Nothing is counted further than this: a job further back is shown at one more.
POSITION_CAP = 1000
# So many owners are read. Twice EXACT, because an owner who is served at a high priority falls behind others at
# the next one, who may be as many again.
OWNERS_READ = 2 * EXACT
# A job of which nothing is known may take from a fifth to three times what is typical of its queue.
UNKNOWN_LOW, UNKNOWN_HIGH = 0.2, 3.0
# A speed that was seen less often than this may be off by another half.
FEW_ATTEMPTS, FEW_SPREAD = 3, 1.5


# The parts of the statement, in the order in which Postgres evaluates them. `asked` are the jobs that are asked for and
# `wanted` the queues to read; both differ from caller to caller (STORED, NEW and FIRST below).

# 1. Each queue: how many jobs run there, how many workers serve it, and how deep to count the jobs of an owner.
LINES = f"""
    SELECT queue, lowest, first, typical_s, running.n AS running_here, workers.n AS workers,
           -- What an owner has running counts as turns taken, so others may be further by as many jobs.
           least({POSITION_CAP}, deepest + running.n + workers.n) AS deepest
      FROM wanted
      JOIN queues ON queues.name = wanted.queue
     CROSS JOIN LATERAL (
        SELECT count(*) AS n FROM jobs WHERE jobs.queue = wanted.queue AND state = 'running') AS running
     CROSS JOIN LATERAL (
        SELECT count(*) AS n FROM workers WHERE workers.queue = wanted.queue AND {LIVE}) AS workers
"""  # noqa: S608 - fragments of this program

# 2. The owners in the order of their turns, as the claim finds them, each with the number of its waiting jobs.
OWNERS = f"""
    SELECT line.queue, turn.*, counted.waiting
      FROM line
     CROSS JOIN LATERAL (
        SELECT turn.priority, turn.owner, running, last_served, first_ordered
          FROM (SELECT line.queue) AS line {OWNERS_IN_TURN}
         WHERE level.priority >= lowest
         LIMIT {OWNERS_READ}) AS turn
     CROSS JOIN LATERAL (
        SELECT count(*) AS waiting FROM (
            SELECT 1 FROM jobs
             WHERE queue = line.queue AND state = 'queued' AND priority = turn.priority AND owner = turn.owner
             LIMIT CASE WHEN turn.priority > lowest THEN {POSITION_CAP} ELSE deepest END) AS job) AS counted
"""  # noqa: S608 - fragments of this program

# 3. How the owners of the asked jobs stand: once for all of an owner's jobs.
STANDINGS = f"""
    SELECT pair.*, running, last_served, coalesce(first_ordered, now()) AS first_ordered
      FROM (SELECT DISTINCT queue, priority, owner FROM asked) AS pair {STANDING}
"""  # noqa: S608 - fragments of this program

# 4. About where the asked jobs stand: behind all jobs of higher priority, and behind as many jobs of each other owner
#    as will run or be taken of their own owner when it is their turn.
PLACED = """
    SELECT asked.*, own.running, last_served, first_ordered, nth + (
           SELECT coalesce(sum(CASE WHEN other.priority > own.priority THEN other.waiting
                                    ELSE greatest(0, least(other.waiting, nth + own.running - other.running)) END), 0)
             FROM owners AS other
            WHERE other.queue = own.queue AND other.priority >= own.priority
              AND (other.priority, other.owner) <> (own.priority, own.owner))::bigint AS about
      FROM asked JOIN standings AS own USING (queue, priority, owner)
"""

# 5. How many jobs of an owner can be in front of one whose position is exact: so many are read. Jobs whose estimate is
#    far back ask for none.
REACH = f"""
    SELECT line.queue, lowest, least({EXACT}, greatest(first, max(nth) + running_here + workers)) AS jobs
      FROM line
      LEFT JOIN placed ON placed.queue = line.queue AND about <= {NEAR}
     GROUP BY line.queue, lowest, first, running_here, workers
"""  # noqa: S608 - numbers of this module

# 6. The jobs that are returned, all with the same columns. First those that run.
RUNNING = """
    SELECT 'running' AS what, jobs.queue, NULL::int AS priority, NULL AS owner, NULL::bigint AS running,
           NULL::timestamptz AS last_served, NULL::timestamptz AS first_ordered, NULL::bigint AS about,
           id, true AS begun, ordered_at, shape, images, progress, eta
      FROM line JOIN jobs ON jobs.queue = line.queue AND jobs.state = 'running'
"""
# Then the first waiting jobs of each owner, in the order in which the claim takes them.
WAITING = f"""
    SELECT 'waiting', owners.queue, owners.priority, owners.owner, running, last_served, first_ordered, NULL,
           job.*, NULL
      FROM owners
      JOIN reach ON reach.queue = owners.queue
     CROSS JOIN LATERAL (
        SELECT id, started_at IS NOT NULL AS begun, ordered_at, shape, images, progress
          FROM jobs
         WHERE queue = owners.queue AND state = 'queued' AND priority = owners.priority AND owner = owners.owner
         ORDER BY {ORDER_OF_JOBS}
         LIMIT CASE WHEN owners.priority > lowest AND reach.jobs > 0 THEN {EXACT} ELSE reach.jobs END) AS job
"""  # noqa: S608 - fragments of this program
# Last the jobs that are asked for, with the estimate of their place.
ASKED = """
    SELECT 'asked', queue, priority, owner, running, last_served, first_ordered, about,
           id, begun, ordered_at, shape, images, progress, NULL
      FROM placed
"""

# 7. What is left to run of each job: a running job's own estimate; else by the speed of its shape; else as is typical
#    of its queue; else unknown.
SECONDS_LEFT = f"""
SELECT what, found.queue, priority, owner, running, last_served, first_ordered, about, id, begun, workers, typical_s,
       overhead_s + images_left IS NOT NULL AS known,
       coalesce(ends.likely, overhead_s + images_left / images_per_second, typical_s) AS likely,
       coalesce(ends.low, (overhead_s + images_left / fastest) / spread, {UNKNOWN_LOW} * typical_s) AS low,
       coalesce(ends.high, (overhead_s + images_left / slowest) * spread, {UNKNOWN_HIGH} * typical_s) AS high
  FROM found
  JOIN line ON line.queue = found.queue
  LEFT JOIN paces AS pace ON pace.shape = found.shape AND pace.queue = found.queue
 CROSS JOIN LATERAL (
    SELECT images * (1 - coalesce((progress->>'fraction')::float8, 0)) AS images_left,
           CASE WHEN attempts < {FEW_ATTEMPTS} THEN {FEW_SPREAD} ELSE 1 END AS spread) AS job
 CROSS JOIN LATERAL (
    SELECT extract(epoch FROM (eta->>'at')::timestamptz - now())::float8 AS likely,
           extract(epoch FROM (eta->>'low')::timestamptz - now())::float8 AS low,
           extract(epoch FROM (eta->>'high')::timestamptz - now())::float8 AS high) AS ends
 ORDER BY found.queue, priority DESC, {ORDER_OF_JOBS}
"""  # noqa: S608 - fragments of this program


def _statement(asked: str, wanted: str) -> TextClause:
    """Return the statement that reads queues as far as some jobs stand in them.

    Its numbers are part of the text, not parameters, so that Postgres plans it once for a connection: planning takes
    longer than running it.

    Args:
        asked: SQL for the jobs that are asked for: id, queue, priority, owner, begun, ordered_at, shape, images,
            progress, and `nth`, the place among its owner's jobs of this priority.
        wanted: SQL for the queues to read: queue; the `lowest` priority to look at; `deepest`, how far to count the
            jobs of an owner there; `first`, how many jobs of each owner to read in any case.
    """
    return text(f"""
WITH asked AS MATERIALIZED ({asked}),
wanted AS ({wanted}),
line AS MATERIALIZED ({LINES}),
owners AS MATERIALIZED ({OWNERS}),
standings AS MATERIALIZED ({STANDINGS}),
placed AS MATERIALIZED ({PLACED}),
reach AS MATERIALIZED ({REACH}),
found AS ({RUNNING} UNION ALL {WAITING} UNION ALL {ASKED})
{SECONDS_LEFT}
""")


_QUEUES_OF_ASKED = "SELECT queue, min(priority) AS lowest, max(nth) AS deepest, 0 AS first FROM asked GROUP BY queue"
_JOB, _LAST = (", ".join(f"{relation}.{column}" for column in FIRST_CREATED) for relation in ("job", "last"))
_LAST_FIRST = ", ".join(f"{column} DESC" for column in FIRST_CREATED)

# Jobs that are stored and wait. An owner's jobs are numbered once, up to the last one asked for, since a page of a list
# asks for twenty of them. The inner SELECT hides from Postgres how many they are, so that one plan serves all.
STORED = _statement(
    f"""
    WITH mine AS MATERIALIZED (
        SELECT id, queue, priority, owner, started_at IS NOT NULL AS begun, ordered_at, shape, images, progress
          FROM jobs WHERE id = ANY((SELECT cast(:ids AS text[]))::text[]) AND state = 'queued'
    ),
    numbered AS MATERIALIZED (
        SELECT counted.id, counted.nth
          FROM (SELECT DISTINCT ON (queue, priority, owner) queue, priority, owner, {ORDER_OF_JOBS}
                  FROM mine ORDER BY queue, priority, owner, {_LAST_FIRST}) AS last
         CROSS JOIN LATERAL (
            SELECT id, row_number() OVER (ORDER BY {ORDER_OF_JOBS}) AS nth FROM (
                SELECT {ORDER_OF_JOBS} FROM jobs AS job
                 WHERE job.queue = last.queue AND job.state = 'queued' AND job.priority = last.priority
                   AND job.owner = last.owner AND ({_JOB}) <= ({_LAST})
                 ORDER BY {ORDER_OF_JOBS}
                 LIMIT {POSITION_CAP}) AS up_to_last) AS counted
    )
    SELECT mine.*, coalesce(numbered.nth, {POSITION_CAP} + 1) AS nth FROM mine LEFT JOIN numbered USING (id)
    """,  # noqa: S608 - fragments of this module
    _QUEUES_OF_ASKED,
)
# A job that is not stored: it would be the last of its owner's.
NEW = _statement(
    f"""
    SELECT id, queue, priority, owner, false AS begun, ordered_at, shape, images, NULL::jsonb AS progress,
           ahead.n + 1 AS nth
      FROM (SELECT NULL AS id, cast(:queue AS text) AS queue, cast(:priority AS int) AS priority,
                   cast(:owner AS text) AS owner, cast(:shape AS text) AS shape, cast(:images AS bigint) AS images,
                   'infinity'::timestamptz AS ordered_at) AS mine
     CROSS JOIN LATERAL (
        SELECT count(*) AS n FROM (
            SELECT 1 FROM jobs AS other
             WHERE other.queue = mine.queue AND other.state = 'queued' AND other.priority = mine.priority
               AND other.owner = mine.owner
             LIMIT {POSITION_CAP}) AS other) AS ahead
    """,  # noqa: S608 - fragments of this module
    _QUEUES_OF_ASKED,
)
# The first jobs of a queue, whoever has them.
FIRST = _statement(
    """
    SELECT id, queue, priority, owner, false AS begun, ordered_at, shape, images, progress, 0::bigint AS nth
      FROM jobs WHERE false
    """,
    """
    SELECT cast(:queue AS text) AS queue, -100 AS lowest, cast(:first AS bigint) AS deepest,
           cast(:first AS bigint) AS first
    """,
)
