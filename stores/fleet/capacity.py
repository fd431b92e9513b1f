"""The memory of workers' devices, and whether a job fits there."""

from __future__ import annotations

from dataclasses import dataclass

# Waiting jobs are counted up to here; a longer queue is not worth counting.
DEPTH_CAP = 1000
# The seconds that a job is assumed to take, before any job of its queue has ended.
TYPICAL_S = 60.0
# The largest number that a column of bytes can hold.
MOST_BYTES = 2**63 - 1


def device_bytes(name: str) -> str:
    """Return the SQL for a number of bytes in a worker's `device`; null where it is not a number.

    Any program may have written the row: 8e9 and 4.5 are numbers too, and text counts as unknown.
    """
    number = f"least(greatest(trunc(CAST(device->>'{name}' AS numeric)), 0), {MOST_BYTES})"
    return f"CASE WHEN jsonb_typeof(device->'{name}') = 'number' THEN CAST({number} AS bigint) END"


@dataclass(frozen=True)
class Seat:
    """A worker that runs, or ran within the last day. `capacity`: bytes that a job may need there; None: any number."""

    queue: str
    capacity: int | None
    live: bool

    def fits(self, needs: int | None) -> bool:
        """Whether a job of this need can run here when nothing else does. A job of unknown need is assumed to."""
        return needs is None or self.capacity is None or needs <= self.capacity
