"""The workers as placement sees them: on whose device a job of a given need fits."""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True)
class Seat:
    """A worker that runs, or ran within the last day. `capacity`: bytes that a job may need there; None: any number."""

    queue: str
    capacity: int | None
    live: bool

    def fits(self, needs: int | None) -> bool:
        """Whether a job of this need can run here when nothing else does; of an unknown need it is assumed."""
        return needs is None or self.capacity is None or needs <= self.capacity
