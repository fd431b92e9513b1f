"""The workers as placement sees them: on whose device a job of a given need fits, and how long it would wait."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Engine, bindparam, text

from stores.fleet.workers import LIVE, SEEN_TODAY

# A queue's line is counted this far; further back one wait is as long as another.
DEPTH_CAP = 1000
# What a job is taken to last where none of its queue has ended yet.
TYPICAL_S = 60.0
# The largest number that a column of bytes can hold.
MOST_BYTES = 2**63 - 1


def device_bytes(name: str) -> str:
    """Return the SQL for a number of bytes that a worker's `device` tells; null where it is none.

    The row is what some program sent, perhaps none of ours: 8e9 and 4.5 are numbers too, and text is nothing known.
    """
    number = f"least(greatest(trunc(CAST(device->>'{name}' AS numeric)), 0), {MOST_BYTES})"
    return f"CASE WHEN jsonb_typeof(device->'{name}') = 'number' THEN CAST({number} AS bigint) END"


WORKERS = text(f"""
SELECT queue, {device_bytes("capacity")} AS capacity, {LIVE} AS live FROM workers WHERE {SEEN_TODAY}
""")  # noqa: S608 - fragments of this program
LINES = text("""
SELECT queues.name, typical_s, waiting.n AS depth, busy.n AS running
  FROM queues
 CROSS JOIN LATERAL (
    SELECT count(*) AS n FROM (SELECT 1 FROM jobs WHERE queue = queues.name AND state = 'queued' LIMIT :cap) AS ahead
 ) AS waiting
 CROSS JOIN LATERAL (SELECT count(*) AS n FROM jobs WHERE queue = queues.name AND state = 'running') AS busy
 WHERE queues.name IN :queues
""").bindparams(bindparam("queues", expanding=True))


@dataclass(frozen=True)
class Seat:
    """A worker that runs, or ran within the last day. `capacity`: bytes that a job may need there; None: any number."""

    queue: str
    capacity: int | None
    live: bool

    def fits(self, needs: int | None) -> bool:
        """Whether a job of this need can run here when nothing else does; of an unknown need it is assumed."""
        return needs is None or self.capacity is None or needs <= self.capacity


class Fleet:
    """Looks at the workers."""

    def __init__(self, engine: Engine, alive_s: float) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._alive_s = alive_s

    def seats(self) -> list[Seat]:
        """Return the workers of the last day."""
        with self._engine.connect() as connection:
            return [Seat(**row) for row in connection.execute(WORKERS, {"alive_s": self._alive_s}).mappings()]

    def waits(self, workers: dict[str, int]) -> dict[str, float]:
        """Return the seconds that a new job would wait in each queue with so many workers that can run it."""
        queues: Collection[str] = list(workers)
        with self._engine.connect() as connection:
            rows = connection.execute(LINES, {"cap": DEPTH_CAP, "queues": queues}).mappings().all()
        waits = {}
        for row in rows:
            ahead = row["depth"] + row["running"] + 1 - workers[row["name"]]
            waits[row["name"]] = max(0, ahead) * (row["typical_s"] or TYPICAL_S) / workers[row["name"]]
        return waits
