"""The connection to Postgres."""

from __future__ import annotations

from time import monotonic
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import InvalidatePoolError

from stores.infra.failpoints import reach
from stores.infra.settings import Settings

# A connection whose other end vanished without closing it is detected after about this time.
SILENCE_S = 15
# Connections of a process, made when they are needed and then kept.
POOL_SIZE = 10
# A connection used within this time is not pinged.
TRUSTED_S = 1.0


def _connection(settings: Settings) -> dict[str, Any]:
    """Return the options of each connection.

    A client that hangs or disappears inside a transaction must not keep its row locks. The server ends such a session
    after a lease, so that the sweeper, which skips locked rows, can take the job.
    """
    server = {
        "timezone": "utc",
        "statement_timeout": 30_000,
        "idle_in_transaction_session_timeout": int(settings.lease_s * 1000),
        "tcp_keepalives_idle": SILENCE_S // 3,
        "tcp_keepalives_interval": SILENCE_S // 3,
        "tcp_keepalives_count": 2,
    }
    return {
        "connect_timeout": 5,
        "keepalives_idle": SILENCE_S // 3,
        "keepalives_interval": SILENCE_S // 3,
        "keepalives_count": 2,
        "tcp_user_timeout": SILENCE_S * 1000,
        "options": " ".join(f"-c {name}={value}" for name, value in server.items()),
    }


def make_engine(settings: Settings, *, pool_size: int = POOL_SIZE) -> Engine:
    """Return an engine; nothing connects before the first use.

    A connection that lay idle is pinged before it is used: that saves the requests that would meet one which a database
    restart has killed. One that was just used is not pinged, which would cost a round trip a query. The pool hands out
    the one that was used last, so that a request pings at most once, however many queries it makes.
    """
    engine = create_engine(
        settings.database_url.get_secret_value(),
        pool_size=pool_size,
        max_overflow=0,  # such connections would be made for one request and closed after it
        pool_use_lifo=True,
        pool_timeout=10,
        connect_args=_connection(settings),
    )

    @event.listens_for(engine, "commit")
    def _point(_connection: Any) -> None:
        reach("committing")

    @event.listens_for(engine, "checkin")
    def _note(_connection: Any, record: Any) -> None:
        record.info["used"] = monotonic()

    @event.listens_for(engine, "checkout")
    def _ask(connection: Any, record: Any, _proxy: Any) -> None:
        if monotonic() - record.info.get("used", monotonic()) < TRUSTED_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            # The pool's other connections are dead too, so the pool is emptied.
            raise InvalidatePoolError("the connection is gone") from error

    return engine
