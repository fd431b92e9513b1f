"""The connection to Postgres."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import InvalidatePoolError

from stores.points import reach
from stores.settings import Settings

# A connection that was in use this lately is not asked whether it lives.
TRUSTED_S = 1.0


def make_engine(settings: Settings, *, pool_size: int = 5) -> Engine:
    """Return an engine; nothing connects before the first use.

    A connection that lay idle is asked whether it lives before it is used: that saves the requests that would meet one
    which a database restart has killed. One that was just used is not asked, which would cost a round trip a query.
    """
    engine = create_engine(
        settings.database_url.get_secret_value(),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=10,
        connect_args={"connect_timeout": 5, "options": "-c timezone=utc -c statement_timeout=30000"},
    )

    @event.listens_for(engine, "commit")
    def _point(_connection: Any) -> None:
        reach("committing")

    @event.listens_for(engine, "checkin")
    def _note(_connection: Any, record: Any) -> None:
        record.info["used"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _ask(connection: Any, record: Any, _proxy: Any) -> None:
        if time.monotonic() - record.info.get("used", time.monotonic()) < TRUSTED_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            # The others of its age are dead too: the pool starts afresh.
            raise InvalidatePoolError("the connection is gone") from error

    return engine
