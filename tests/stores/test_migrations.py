"""The migrations make exactly the tables that the rows describe."""

from __future__ import annotations

import shutil
from pathlib import Path
from threading import Thread

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

import migrations
from api.setup import migrate
from models.rows import Base
from stores.infra.db import make_engine
from stores.infra.sql import TIME_LIMITS
from tests.database import limit_transactions
from tests.waiting import until

FOLDER = Path(migrations.__file__).parent
NEXT = """
from alembic import op

revision, down_revision, branch_labels, depends_on = "next", "{head}", None, None


def upgrade():
    op.execute({statement!r})
"""


@pytest.fixture
def next_migration(stores, tmp_path, monkeypatch):
    """Return a function that adds a migration of one statement, which the test's database forgets at the end."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(FOLDER, tmp_path / "migrations", ignore=ignored)
    head = ScriptDirectory(FOLDER).get_current_head()

    def add(statement: str) -> None:
        file = tmp_path / "migrations" / "versions" / "next.py"
        file.write_text(NEXT.format(head=head, statement=statement))
        monkeypatch.setattr(migrations, "__file__", str(tmp_path / "migrations" / "__init__.py"))

    yield add
    with stores.infra.engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS seen"))
        connection.execute(text("ALTER TABLE queues DROP COLUMN IF EXISTS added"))
        connection.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": head})


def _waits(told) -> int:
    return sum(line["event"] == "migration_waits_for_a_table" for line in told)


def test_migrations_equal_the_rows(stores):
    with stores.infra.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_a_migration_may_take_any_time_but_does_not_wait_long_for_a_table(stores, next_migration):
    next_migration(
        "CREATE TABLE seen AS SELECT " + ", ".join(f"current_setting('{name}') AS {name}" for name in TIME_LIMITS)
    )
    engine = make_engine(stores.infra.settings)
    event.listen(engine, "connect", limit_transactions)
    migrate(engine)
    with engine.connect() as connection:
        seen = connection.execute(text("SELECT * FROM seen")).one()._asdict()
        assert seen == {**dict.fromkeys(TIME_LIMITS, "0"), "lock_timeout": "5s"}
        # The connection went back to the pool, and its limits are the usual ones again.
        assert connection.scalar(text("SHOW statement_timeout")) == "30s"
        assert connection.scalar(text("SHOW transaction_timeout")) == "1h"
    engine.dispose()


def test_a_migration_gives_up_when_its_table_is_in_use_all_the_time(stores, next_migration):
    next_migration("SET LOCAL lock_timeout = '50ms'; ALTER TABLE queues ADD added integer")
    with stores.infra.engine.begin() as reader:
        reader.execute(text("SELECT * FROM queues"))
        with capture_logs() as told, pytest.raises(OperationalError, match="lock timeout"):
            migrate(stores.infra.engine, tries=3, pause_s=0.01)
    assert _waits(told) == 2


def test_a_migration_goes_on_when_its_table_is_free_again(stores, next_migration):
    next_migration("SET LOCAL lock_timeout = '50ms'; ALTER TABLE queues ADD added integer")
    migration = Thread(target=migrate, args=(stores.infra.engine,), kwargs={"tries": 1000, "pause_s": 0.01})
    with stores.infra.engine.connect() as reader, capture_logs() as told:
        reader.execute(text("SELECT * FROM queues"))
        migration.start()
        until(lambda: _waits(told) >= 2, 30, "the end of the migration's second wait")
        reader.rollback()
        migration.join(30)
    with stores.infra.engine.connect() as connection:
        assert connection.execute(text("SELECT added FROM queues")).all()
