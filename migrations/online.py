"""What a migration may do to a table that exists and may be large, while the service runs.

The rule (docs/operations.md, tools/migration_rules.py): an index on an existing table is made here, in a migration that
does nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from migrations.lock_waits import LOCK_TIMEOUT

INVALID = sa.text("SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass(quote_ident(:name)) AND NOT indisvalid")


def create_index(
    name: str, table: str, columns: Sequence[str | sa.TextClause], *, where: str | None = None, **options: Any
) -> None:
    """Make an index without keeping anybody from writing, and without an end to the time it may take.

    It can be killed at any moment and run again. What is left of a try that was cut short is an invalid index, which is
    dropped first. The build is outside a transaction, so whatever else a migration did before it would be done twice:
    it does nothing else.
    """
    condition = None if where is None else sa.text(where)
    context = op.get_context()
    with context.autocommit_block():
        # The build waits for transactions that began before it, which keeps nobody from anything.
        op.execute("SET lock_timeout = 0")
        if not context.as_sql and op.get_bind().scalar(INVALID, {"name": name}):
            op.drop_index(name, table_name=table, postgresql_concurrently=True)
        op.create_index(
            name,
            table,
            list(columns),
            postgresql_where=condition,
            postgresql_concurrently=True,
            if_not_exists=True,
            **options,
        )
        op.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")


def drop_indexes(table: str, *names: str) -> None:
    """Drop indexes without keeping anybody from writing; may be done again, and beside `create_index`."""
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        for name in names:
            op.drop_index(name, table_name=table, postgresql_concurrently=True, if_exists=True)
        op.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
