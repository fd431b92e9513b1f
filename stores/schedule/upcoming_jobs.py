"""Which jobs a queue starts next: the first claims of its line, or the first of one owner's jobs in it."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import Engine, RowMapping, Table, bindparam, select, text

from models.rows import Job
from models.states import State
from models.views import job_view
from stores.fleet.capacity import MOST_BYTES, device_bytes
from stores.fleet.workers import LIVE
from stores.schedule.awaited import awaiting
from stores.schedule.fair_share import ORDER_OF_JOBS
from stores.schedule.position import first_places, places

JOBS = cast(Table, Job.__table__)
BY_ID = select(*JOBS.c).where(JOBS.c.id.in_(bindparam("ids", expanding=True)), JOBS.c.state == State.queued.value)
OWN = text(f"""
SELECT * FROM jobs WHERE queue = :queue AND state = 'queued' AND owner = :owner
 ORDER BY priority DESC, {ORDER_OF_JOBS} LIMIT :limit
""").columns(**{column.name: column.type for column in JOBS.columns})  # noqa: S608 - fragments of this program
# The memory that a job may need on the roomiest live worker: now, and when nothing else runs there; and whether any has
# units for bfloat16, or does not know. None without a live worker. A worker that runs a job frees its memory at the
# end, so its full capacity counts.
ROOM = text(f"""
SELECT max(CASE WHEN id IN (SELECT worker_id FROM jobs WHERE queue = :queue AND state = 'running') THEN capacity
                ELSE room END) AS now,
       max(capacity) AS ever, bool_or(device->'bfloat16' IS DISTINCT FROM 'false'::jsonb) AS units
  FROM workers
 CROSS JOIN LATERAL (
    SELECT coalesce({device_bytes("room")}, {MOST_BYTES}) AS room,
           coalesce({device_bytes("capacity")}, {MOST_BYTES}) AS capacity) AS memory
 WHERE queue = :queue AND {LIVE}
""")  # noqa: S608 - names and numbers of this program


class UpcomingJobs:
    """Reads the first jobs of queues."""

    def __init__(self, engine: Engine, alive_s: float) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._alive_s = alive_s

    def next(self, queue: str, owner: str | None, limit: int) -> list[dict[str, Any]]:
        """Return the first jobs of a line, of one owner or (None) of everybody, in the order in which they run.

        Each is a job as shown to readers, and has `lacks`: "room" when no live worker has the memory for it now,
        "device" when none ever has, "units" when none has the units for bfloat16 that it began with, "extractor" when
        the job that makes it has not ended, else None.
        """
        with self._engine.connect() as connection:
            if owner is None:
                found = first_places(connection, queue, limit, self._alive_s)
                rows = connection.execute(BY_ID, {"ids": list(found)}).mappings().all()
            else:
                rows = connection.execute(OWN, {"queue": queue, "owner": owner, "limit": limit}).mappings().all()
                found = places(connection, rows, self._alive_s)
            waiting = awaiting(connection, rows)
            room = connection.execute(ROOM, {"queue": queue, "alive_s": self._alive_s}).mappings().one()
        # A job that was taken between two of these statements is left out.
        shown = [
            {**job_view(row, found[row["id"]].position, found[row["id"]].eta), "lacks": lack}
            for row in rows
            if row["id"] in found
            for lack in ["extractor" if row["id"] in waiting else _lacks(row, room)]
        ]
        return sorted(shown, key=lambda job: job["position"])


def _lacks(job: RowMapping, workers: RowMapping) -> str | None:
    needs = job["needs_bytes"] or 0
    if workers["ever"] is None:
        return None
    if needs > workers["ever"]:
        return "device"
    if job["needs_units"] and not workers["units"]:
        return "units"
    return "room" if needs > workers["now"] else None
