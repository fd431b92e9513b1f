"""How much memory jobs needed, learned from those that ran.

Placement reads it (stores/schedule/queue_forecast.py): a job that would not fit is refused, or waits, before it fails.
"""

from __future__ import annotations

from sqlalchemy import Engine, case, func
from sqlalchemy.dialects.postgresql import insert

from models.job_profile import Shape
from models.rows import MemoryPeak


class MemoryStats:
    """Records the most memory that a job of each shape needed on each device class."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    def learn(self, shape: Shape, queue: str, peak: int, room: int) -> None:
        """Record the peak of a job that succeeded, on a device that had `room` for it.

        A recorded need that is larger than this room was wrong, because something else had filled that device: the peak
        replaces it.
        """
        known = MemoryPeak.bytes
        larger = case((known > room, peak), else_=func.greatest(known, peak))
        self._record(shape, queue, peak, larger)

    def ran_out(self, shape: Shape, queue: str, room: int) -> None:
        """Record that `room` bytes were not enough."""
        self._record(shape, queue, room + 1, func.greatest(MemoryPeak.bytes, room + 1))

    def _record(self, shape: Shape, queue: str, size: int, larger: object) -> None:
        row = insert(MemoryPeak).values(**vars(shape), queue=queue, bytes=size)
        with self._engine.connect() as connection:
            connection.execute(
                row.on_conflict_do_update(
                    constraint="pk_memory_peaks", set_={"bytes": larger, "learned_at": func.now()}
                )
            )
