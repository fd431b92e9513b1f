"""How fast jobs ran, learned from those that succeeded. The estimates of waiting jobs are made from it."""

from __future__ import annotations

from sqlalchemy import Engine, func, update
from sqlalchemy.dialects.postgresql import insert

from models.job_profile import Shape
from models.rows import Pace, Queue

# The weight of the newest value in a moving average; and how fast the slowest and fastest speeds move back to it.
NEWEST = 0.3
FADE = 0.1


class SpeedStats:
    """Records images per second, and seconds of overhead, for each shape on each device class."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    def learn(self, shape: Shape, queue: str, images_per_second: float, overhead_s: float) -> None:
        """Record the speed of an attempt that succeeded."""
        new = insert(Pace).values(
            shape=str(shape),
            queue=queue,
            images_per_second=images_per_second,
            slowest=images_per_second,
            fastest=images_per_second,
            overhead_s=overhead_s,
            attempts=1,
        )
        speed, overhead = new.excluded.images_per_second, new.excluded.overhead_s
        average = Pace.images_per_second + NEWEST * (speed - Pace.images_per_second)
        with self._engine.connect() as connection:
            connection.execute(
                new.on_conflict_do_update(
                    constraint="pk_paces",
                    set_={
                        "images_per_second": average,
                        "slowest": func.least(speed, Pace.slowest + FADE * (average - Pace.slowest)),
                        "fastest": func.greatest(speed, Pace.fastest + FADE * (average - Pace.fastest)),
                        "overhead_s": Pace.overhead_s + NEWEST * (overhead - Pace.overhead_s),
                        "attempts": Pace.attempts + 1,
                        "learned_at": func.now(),
                    },
                )
            )

    def took(self, queue: str, seconds: float) -> None:
        """Record how long a job of this queue took, of whatever shape."""
        average = func.coalesce(Queue.typical_s + NEWEST * (seconds - Queue.typical_s), seconds)
        with self._engine.connect() as connection:
            connection.execute(update(Queue).where(Queue.name == queue).values(typical_s=average))
