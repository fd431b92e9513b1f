"""What a new job would find in each queue: workers with enough memory, the wait, and its own run time.

One statement answers for all candidate queues, because every `POST /v1/jobs` asks.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from models.job_profile import Shape
from stores.fleet.capacity import DEPTH_CAP, TYPICAL_S, Seat, device_bytes
from stores.fleet.workers import LIVE, SEEN_TODAY

# A job needs at least as much memory as any job that is smaller or equal in every dimension.
QUEUES = text(f"""
SELECT queues.name, typical_s, waiting.n AS depth, busy.n AS running, peak.bytes AS needs_bytes,
       images_per_second, fastest, slowest, overhead_s, seats.capacities, seats.live
  FROM queues
 CROSS JOIN LATERAL (
    SELECT count(*) AS n FROM (SELECT 1 FROM jobs WHERE queue = queues.name AND state = 'queued' LIMIT :depth) AS ahead
 ) AS waiting
 CROSS JOIN LATERAL (SELECT count(*) AS n FROM jobs WHERE queue = queues.name AND state = 'running') AS busy
 CROSS JOIN LATERAL (
    SELECT max(bytes) AS bytes FROM memory_peaks
     WHERE recipe = :recipe AND queue = queues.name
       AND image_size <= :image_size AND batch_size <= :batch_size AND width <= :width) AS peak
 CROSS JOIN LATERAL (
    SELECT array_agg({device_bytes("capacity")} ORDER BY id) AS capacities, array_agg({LIVE} ORDER BY id) AS live
      FROM workers WHERE queue = queues.name AND {SEEN_TODAY}) AS seats
  LEFT JOIN paces ON paces.queue = queues.name AND paces.shape = :shape
 WHERE queues.name = ANY(:queues)
""")  # noqa: S608 - fragments of this program

SMALLER = text("""
SELECT queue, asked.batch, max(bytes) AS bytes
  FROM unnest(cast(:batches AS int[])) AS asked (batch)
  JOIN memory_peaks ON recipe = :recipe AND queue = ANY(:queues)
   AND image_size <= :image_size AND batch_size <= asked.batch AND width <= :width
 GROUP BY queue, asked.batch
""")


@dataclass(frozen=True)
class Estimate:
    """Seconds that something takes: the likely number, and a range."""

    seconds: float
    low: float
    high: float


@dataclass(frozen=True)
class Outlook:
    """One queue, as a new job would find it.

    Attributes:
        queue: its name.
        seats: the workers that served it within the last day.
        ahead: jobs that run or wait there now; those that wait are counted up to a limit.
        typical_s: seconds that jobs of this queue took lately.
        needs_bytes: memory that the new job needs there at least; None: nothing is known.
        runtime: how long the new job would run there; None: no job of its profile has ended there.
    """

    queue: str
    seats: tuple[Seat, ...]
    ahead: int
    typical_s: float
    needs_bytes: int | None
    runtime: Estimate | None

    @property
    def fitting(self) -> list[Seat]:
        """The workers whose device is large enough."""
        return [seat for seat in self.seats if seat.fits(self.needs_bytes)]

    @property
    def live(self) -> int:
        """How many workers could take the job now, or once they are free."""
        return sum(seat.live for seat in self.fitting)

    @property
    def wait_s(self) -> float:
        """Seconds until one of the `live` workers is free for the job; there must be one."""
        return max(0, self.ahead + 1 - self.live) * self.typical_s / self.live


def outlooks(
    connection: Connection, queues: Collection[str], shape: Shape | None, images: int | None, *, alive_s: float
) -> dict[str, Outlook]:
    """Return what a new job would find in each of these queues.

    Args:
        connection: any.
        queues: names of the candidate queues.
        shape: what the job's memory and speed depend on; None: nothing is known of them.
        images: how many images the job will show; None: unknown, and so is its run time.
        alive_s: seconds of silence after which a worker counts as lost.
    """
    asked = {"queues": list(queues), "depth": DEPTH_CAP, "alive_s": alive_s, **_profile(shape)}
    found = {}
    for row in connection.execute(QUEUES, asked).mappings():
        seats = zip(row["capacities"] or (), row["live"] or (), strict=True)
        speeds = (row["images_per_second"], row["fastest"], row["slowest"])
        known = images is not None and None not in speeds
        found[row["name"]] = Outlook(
            queue=row["name"],
            seats=tuple(Seat(row["name"], capacity, live) for capacity, live in seats),
            ahead=row["depth"] + row["running"],
            typical_s=row["typical_s"] or TYPICAL_S,
            needs_bytes=row["needs_bytes"],
            runtime=Estimate(*(row["overhead_s"] + (images or 0) / speed for speed in speeds)) if known else None,
        )
    return found


def needs_of_smaller(
    connection: Connection, queues: Collection[str], shape: Shape, batches: Sequence[int]
) -> dict[tuple[str, int], int]:
    """Return the bytes that the job would need with each of these batch sizes, by (queue, batch size).

    A queue and batch size of which nothing is known are left out.
    """
    asked = {**_profile(shape), "queues": list(queues), "batches": list(batches)}
    return {(row.queue, row.batch): row.bytes for row in connection.execute(SMALLER, asked)}


def _profile(shape: Shape | None) -> dict[str, object]:
    if shape is None:
        return dict.fromkeys(("recipe", "image_size", "batch_size", "width", "shape"))
    return {**vars(shape), "shape": str(shape)}
