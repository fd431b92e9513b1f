"""How much memory a job needs, learned from those that ran: so that the next is refused, or waits, before it fails."""

from __future__ import annotations

from sqlalchemy import Engine, case, func, select
from sqlalchemy.dialects.postgresql import insert

from models.job_profile import Shape
from models.rows import MemoryPeak


class Memory:
    """Remembers the most that a job of each shape needed on each class of devices."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    def needs(self, shape: Shape, queue: str) -> int | None:
        """Return the bytes that a job of this shape needs at the least; None when nothing is known.

        A job is as large as any that is smaller than it in no respect, so what is known of those counts too.
        """
        smaller = select(func.max(MemoryPeak.bytes)).where(
            MemoryPeak.recipe == shape.recipe,
            MemoryPeak.queue == queue,
            MemoryPeak.image_size <= shape.image_size,
            MemoryPeak.batch_size <= shape.batch_size,
            MemoryPeak.width <= shape.width,
        )
        with self._engine.connect() as connection:
            return connection.scalar(smaller)

    def learn(self, shape: Shape, queue: str, peak: int, room: int) -> None:
        """Remember the peak of a job that ended well, on a device that had `room` for it.

        A need that was thought to be larger than this room is taken back: something else had filled that device.
        """
        known = MemoryPeak.bytes
        larger = case((known > room, peak), else_=func.greatest(known, peak))
        self._remember(shape, queue, peak, larger)

    def ran_out(self, shape: Shape, queue: str, room: int) -> None:
        """Remember that `room` bytes were not enough."""
        self._remember(shape, queue, room + 1, func.greatest(MemoryPeak.bytes, room + 1))

    def _remember(self, shape: Shape, queue: str, size: int, larger: object) -> None:
        row = insert(MemoryPeak).values(**vars(shape), queue=queue, bytes=size)
        with self._engine.connect() as connection:
            connection.execute(
                row.on_conflict_do_update(
                    constraint="pk_memory_peaks", set_={"bytes": larger, "learned_at": func.now()}
                )
            )
