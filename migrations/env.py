"""Runs migrations over the connection it is given, or over one made from the settings.

Each migration is a transaction of its own, so a setup that is killed goes on with the first migration that has not
ended. The session keeps the lock and its limits when a transaction ends, so it must not go back to a pool.
"""

from __future__ import annotations

import time

from alembic import context
from sqlalchemy import Connection, text

from migrations.lock_waits import LOCK_TIMEOUT
from models.libpq import forget_libpq_variables
from models.rows import Base
from stores.infra.db import make_engine
from stores.infra.settings import Settings
from stores.infra.sql import lift_time_limits

# Two services that start together must not migrate at once; any constant that nobody else uses does.
LOCK = text("SELECT pg_try_advisory_lock(7205759403792793)")
ASK_AGAIN_S = 0.2


def _run(connection: Connection) -> None:
    # A large table takes longer than any time limit of a request.
    lift_time_limits(connection, local=False)
    # Asked for again and again, outside a transaction: a statement that waits has a snapshot, and the index that the
    # other migration makes concurrently would wait for the end of that.
    while not connection.scalar(LOCK):
        connection.commit()
        time.sleep(ASK_AGAIN_S)
    connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.commit()
    context.configure(
        connection=connection, target_metadata=Base.metadata, compare_type=True, transaction_per_migration=True
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if context.is_offline_mode():
    # The SQL alone, without a database (tools/migration_rules.py).
    context.configure(dialect_name="postgresql", transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
elif isinstance(given, Connection):
    _run(given)
else:
    forget_libpq_variables()
    engine = make_engine(Settings())
    with engine.connect() as fresh:
        _run(fresh)
    engine.dispose()
