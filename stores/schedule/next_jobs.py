"""Which jobs a queue starts next. The owners' order is asked as for the place of one job
(stores/schedule/position.py); from it the first of the line follow without looking at those behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import Connection, Engine, RowMapping, Table, text

from models.rows import Job
from models.views import job_view
from stores.fleet.capacity import MOST_BYTES, device_bytes
from stores.fleet.workers import LIVE
from stores.schedule.fair_share import Pair, in_turn, standings
from stores.schedule.position import OWNERS, POSITION_CAP, WORKERS, places

ABOVE_ALL = 101  # no job has such a priority
JOBS = cast(Table, Job.__table__)
FIRST = text("""
SELECT job.*
  FROM unnest(cast(:priorities AS int[]), cast(:owners AS text[]), cast(:counts AS int[])) AS pair (priority, owner, n)
 CROSS JOIN LATERAL (
    SELECT * FROM jobs
     WHERE queue = :queue AND state = 'queued' AND priority = pair.priority AND owner = pair.owner
     ORDER BY ordered_at, id LIMIT pair.n) AS job
""").columns(**{column.name: column.type for column in JOBS.columns})
LEVEL = text("""
SELECT priority FROM jobs WHERE queue = :queue AND state = 'queued' AND priority < :above
 ORDER BY priority DESC LIMIT 1
""")
OWN = text("""
SELECT * FROM jobs WHERE queue = :queue AND state = 'queued' AND owner = :owner
 ORDER BY priority DESC, ordered_at, id LIMIT :limit
""").columns(**{column.name: column.type for column in JOBS.columns})
# What a job may need of the roomiest live worker: now, and when nothing else runs there. None where nobody lives.
# What a worker's own job takes is given back at its end, so it is not what the next one waits for.
ROOM = text(f"""
SELECT max(CASE WHEN id IN (SELECT worker_id FROM jobs WHERE queue = :queue AND state = 'running') THEN capacity
                ELSE room END) AS now,
       max(capacity) AS ever
  FROM workers
 CROSS JOIN LATERAL (
    SELECT coalesce({device_bytes("room")}, {MOST_BYTES}) AS room,
           coalesce({device_bytes("capacity")}, {MOST_BYTES}) AS capacity) AS memory
 WHERE queue = :queue AND {LIVE}
""")  # noqa: S608 - names and numbers of this program


class Upcoming:
    """Looks at the heads of the queues."""

    def __init__(self, engine: Engine, alive_s: float) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._alive_s = alive_s

    def next(self, queue: str, owner: str | None, limit: int) -> list[dict[str, Any]]:
        """Return the first jobs of a line, of one owner or (None) of everybody, in the order in which they run.

        Each is a job as shown to readers, and has `lacks`: "room" when no live worker has the memory for it now,
        "device" when none ever has, else None.
        """
        with self._engine.connect() as connection:
            if owner is None:
                workers = connection.scalar(WORKERS, {"queue": queue, "alive_s": self._alive_s}) or 0
                rows = _jobs(connection, queue, _line(connection, queue, limit, workers))
            else:
                rows = connection.execute(OWN, {"queue": queue, "owner": owner, "limit": limit}).mappings().all()
            found = places(connection, rows, self._alive_s)
            room = connection.execute(ROOM, {"queue": queue, "alive_s": self._alive_s}).mappings().one()
        # Whoever was taken or moved while this was asked has no place, or another one.
        shown = [
            {**job_view(row, found[row["id"]].position, found[row["id"]].eta), "lacks": lack}
            for row in rows
            if row["id"] in found
            for lack in [_lacks(row["needs_bytes"], room)]
        ]
        return sorted(shown, key=lambda job: job["position"])


def _line(connection: Connection, queue: str, length: int, workers: int) -> list[Pair]:
    """Return whose job is next, and whose then, and so on. No lower priority is looked at than the line needs."""
    above = ABOVE_ALL
    line: list[Pair] = []
    while len(line) < length:
        lowest = connection.scalar(LEVEL, {"queue": queue, "above": above})
        if lowest is None:
            break
        asked = {"queue": queue, "lowest": lowest, "turns": length, "cap": POSITION_CAP, "new_owner": None}
        owners = connection.execute(OWNERS, asked).mappings()
        line += in_turn([one for one in standings(owners, workers) if one.priority == lowest])
        above = lowest
    return line[:length]


def _jobs(connection: Connection, queue: str, line: Sequence[Pair]) -> Sequence[RowMapping]:
    """Return the first jobs of each pair of priority and owner, as many as stand in the line."""
    counts = Counter(line)
    asked = {"priorities": [pair[0] for pair in counts], "owners": [pair[1] for pair in counts]}
    return connection.execute(FIRST, {"queue": queue, **asked, "counts": list(counts.values())}).mappings().all()


def _lacks(needs: int | None, room: RowMapping) -> str | None:
    if needs is None or room["ever"] is None:
        return None
    return "device" if needs > room["ever"] else "room" if needs > room["now"] else None
