"""Health checks from rows: does a supervisor send heartbeats, and does the sweeper end lost attempts in time?

Neither process listens on a port, so a check asks the database what each should have done.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from sqlalchemy import Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from models.libpq import forget_libpq_variables
from models.rows import Job, Worker
from models.states import State
from stores.fleet.workers import is_running
from stores.infra.db import make_engine
from stores.infra.settings import Settings
from stores.infra.sql import seconds
from stores.infra.undumpable import hide_secrets


class Liveness:
    """Reads only. All times are measured by the database's clock."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def beats(self, host: str, within_s: float) -> bool:
        """Return whether a supervisor on this host sent a heartbeat within the last `within_s` seconds."""
        query = select(Worker.id).where(Worker.host == host, is_running(within_s)).limit(1)
        with self._engine.connect() as connection:
            return connection.scalar(query) is not None

    def overdue(self, by_s: float) -> int:
        """Return how many running jobs have had no lease for `by_s` seconds without being put back by the sweeper."""
        late = Job.lease_until < func.now() - seconds(by_s)
        query = select(func.count()).select_from(Job).where(Job.state == State.running, late)
        with self._engine.connect() as connection:
            return connection.scalar(query) or 0


def report(complaint: Callable[[Liveness, Settings], str | None]) -> int:
    """Run a health check from the command line: 0 if `complaint` finds nothing, else 1 with the reason on stderr."""
    hide_secrets()
    forget_libpq_variables()
    settings = Settings()
    engine = make_engine(settings)
    try:
        wrong = complaint(Liveness(engine), settings)
    except SQLAlchemyError as error:
        wrong = f"the database does not answer: {str(error).partition(chr(10))[0]}"
    finally:
        engine.dispose()
    if wrong:
        sys.stderr.write(f"{wrong}\n")
    return 1 if wrong else 0
