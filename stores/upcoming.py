"""Which jobs a queue starts next. The owners' order is asked as for the place of one job (stores/lines.py); from it the
first of the line follow without looking at those behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import Connection, Engine, RowMapping, Table, text

from models.rows import Job
from models.views import job_view
from stores.lines import OWNERS, POSITION_CAP, Pair, places

# The lowest priority that a job can have: the whole queue is asked for.
LOWEST = -100
JOBS = cast(Table, Job.__table__)
FIRST = text("""
SELECT job.*
  FROM unnest(cast(:priorities AS int[]), cast(:owners AS text[]), cast(:counts AS int[])) AS pair (priority, owner, n)
 CROSS JOIN LATERAL (
    SELECT * FROM jobs
     WHERE queue = :queue AND state = 'queued' AND priority = pair.priority AND owner = pair.owner
     ORDER BY ordered_at, id LIMIT pair.n) AS job
""").columns(**{column.name: column.type for column in JOBS.columns})
# What a job may need of the roomiest live worker: now, and when nothing else runs there. None where nobody lives.
ROOM = text("""
SELECT max(coalesce((device->>'room')::bigint, 9223372036854775807)) AS now,
       max(coalesce((device->>'capacity')::bigint, 9223372036854775807)) AS ever
  FROM workers
 WHERE queue = :queue AND stopped_at IS NULL AND NOT draining AND last_seen > now() - make_interval(secs => :alive_s)
""")


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
        asked = {"queue": queue, "lowest": LOWEST, "turns": POSITION_CAP, "cap": POSITION_CAP}
        with self._engine.connect() as connection:
            line = in_turn(connection.execute(OWNERS, asked).mappings().all())
            first = [pair for pair in line[:POSITION_CAP] if owner in {None, pair[1]}][:limit]
            rows = _jobs(connection, queue, first)
            found = places(connection, rows, self._alive_s)
            room = connection.execute(ROOM, {"queue": queue, "alive_s": self._alive_s}).mappings().one()
        # Whoever was taken or moved while this was asked has no place, or another one.
        shown = [
            {**job_view({**row, "position": found[row["id"]].position}), "eta": found[row["id"]].eta, "lacks": lack}
            for row in rows
            if row["id"] in found
            for lack in [_lacks(row["needs_bytes"], room)]
        ]
        return sorted(shown, key=lambda job: job["position"])


def in_turn(owners: Sequence[RowMapping]) -> list[Pair]:
    """Return whose job is next, and whose then, and so on. `owners` come as OWNERS orders them, a row a priority."""
    line: list[Pair] = []
    for priority in sorted({pair["priority"] for pair in owners}, reverse=True):
        peers = [pair for pair in owners if pair["priority"] == priority]
        turns = sorted(
            (pair["running"] + turn, rank, pair["owner"])
            for rank, pair in enumerate(peers)
            for turn in range(pair["waiting"])
        )
        line += [(priority, owner) for _, _, owner in turns]
        if len(line) >= POSITION_CAP:
            break
    return line


def _jobs(connection: Connection, queue: str, line: Sequence[Pair]) -> Sequence[RowMapping]:
    """Return the first jobs of each pair of priority and owner, as many as stand in the line."""
    counts = Counter(line)
    asked = {"priorities": [pair[0] for pair in counts], "owners": [pair[1] for pair in counts]}
    return connection.execute(FIRST, {"queue": queue, **asked, "counts": list(counts.values())}).mappings().all()


def _lacks(needs: int | None, room: RowMapping) -> str | None:
    if needs is None or room["ever"] is None:
        return None
    return "device" if needs > room["ever"] else "room" if needs > room["now"] else None
