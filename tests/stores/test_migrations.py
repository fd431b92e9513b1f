"""The migrations make exactly the tables that the rows describe."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from models.rows import Base


def test_migrations_equal_the_rows(stores):
    with stores.infra.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
