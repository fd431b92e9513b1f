"""What health checks ask the rows: whether a supervisor beats, and whether dead attempts are taken back in time."""

from __future__ import annotations

from sqlalchemy import Engine, func, select

from models.rows import Job, Worker
from models.states import State
from stores.transitions import seconds


class Vitals:
    """Reads only. All times are measured by the database's clock."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def beats(self, host: str, within_s: float) -> bool:
        """Return whether a supervisor on this host has said within the last `within_s` seconds that it is alive."""
        recent = Worker.last_seen > func.now() - seconds(within_s)
        query = select(Worker.id).where(Worker.host == host, Worker.stopped_at.is_(None), recent).limit(1)
        with self._engine.connect() as connection:
            return connection.scalar(query) is not None

    def overdue(self, by_s: float) -> int:
        """Return how many running jobs have had no lease for `by_s` seconds: the sweeper has not taken them back."""
        late = Job.lease_until < func.now() - seconds(by_s)
        query = select(func.count()).select_from(Job).where(Job.state == State.running, late)
        with self._engine.connect() as connection:
            return connection.scalar(query) or 0
