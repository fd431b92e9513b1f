"""Runs migrations over the connection it is given, or over one made from the settings."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from models.libpq import forget_libpq_variables
from models.rows import Base
from stores.infra.db import make_engine
from stores.infra.settings import Settings
from stores.infra.sql import lift_time_limits

# Two services that start together must not migrate at once; any constant that nobody else uses does.
LOCK = 7_205_759_403_792_793
# A statement that waits for a table makes all that come after it wait too. So a migration gives up its wait early, and
# the setup tries again (api/setup.py).
LOCK_TIMEOUT = "5s"


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
    with context.begin_transaction():
        # A large table takes longer than any time limit of a request. The wait for another migration has no limit.
        lift_time_limits(connection, local=True)
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        context.run_migrations()


given = context.config.attributes.get("connection")
if isinstance(given, Connection):
    _run(given)
else:
    forget_libpq_variables()
    engine = make_engine(Settings())
    with engine.connect() as fresh:
        _run(fresh)
    engine.dispose()
