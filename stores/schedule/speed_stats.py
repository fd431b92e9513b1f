"""How fast jobs run, learned from those that ended: what the estimates of waiting jobs rest on."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, func, select, update
from sqlalchemy.dialects.postgresql import insert

from models.job_profile import Shape
from models.rows import Pace, Queue

# The weight of the newest in the moving averages, and how fast the extremes fade.
NEWEST = 0.3
FADE = 0.1


@dataclass(frozen=True)
class Estimate:
    """Seconds that something takes: the likely number, and a range."""

    seconds: float
    low: float
    high: float


class Paces:
    """Remembers images a second and the time beside the training, for each shape on each class of devices."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    def learn(self, shape: Shape, queue: str, images_per_second: float, overhead_s: float) -> None:
        """Remember what an attempt that ended well has shown."""
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
        """Remember how long a job of this queue took, whatever it was."""
        average = func.coalesce(Queue.typical_s + NEWEST * (seconds - Queue.typical_s), seconds)
        with self._engine.connect() as connection:
            connection.execute(update(Queue).where(Queue.name == queue).values(typical_s=average))

    def runtime(self, shape: Shape, queue: str, images: int) -> Estimate | None:
        """Return how long a whole job would run; None when none of its shape has ended on this class of devices."""
        pace = select(Pace.images_per_second, Pace.slowest, Pace.fastest, Pace.overhead_s).where(
            Pace.shape == str(shape), Pace.queue == queue
        )
        with self._engine.connect() as connection:
            row = connection.execute(pace).first()
        if row is None:
            return None
        speeds = (row.images_per_second, row.fastest, row.slowest)
        return Estimate(*(row.overhead_s + images / speed for speed in speeds))
