"""The migrations make exactly the tables that the rows describe."""

from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
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
from tools.migration_rules import faults

FOLDER = Path(migrations.__file__).parent
ROOT = FOLDER.parent
NEXT = """
from alembic import op
from migrations.online import create_index

revision, down_revision, branch_labels, depends_on = "next", "{head}", None, None


def upgrade():
    {statement}
"""
# An index that cannot be built at once: the build waits for transactions that began before it.
INDEX = 'create_index("ix_queues_next", "queues", ["paused"])'
STATE = text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('ix_queues_next')")
SESSIONS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
BUILDS = text(f"{SESSIONS} AND query LIKE 'CREATE INDEX CONCURRENTLY%' AND state = 'active'")
LONG_BUILDS = text(f"{BUILDS} AND query_start < clock_timestamp() - interval '0.5 s'")
ASKS = text(f"{SESSIONS} AND (query = 'COMMIT' OR query LIKE '%advisory_lock%') AND pid <> ALL(:known)")


@pytest.fixture
def next_migration(stores, tmp_path, monkeypatch):
    """Return a function that adds a migration of one statement, which the test's database forgets at the end.

    A text in capitals is SQL, another one is Python.
    """
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(FOLDER, tmp_path / "migrations", ignore=ignored)
    head = ScriptDirectory(FOLDER).get_current_head()

    def add(statement: str) -> None:
        file = tmp_path / "migrations" / "versions" / "next.py"
        if statement[0].isupper():
            statement = f"op.execute({statement!r})"
        file.write_text(NEXT.format(head=head, statement=statement))
        monkeypatch.setattr(migrations, "__file__", str(tmp_path / "migrations" / "__init__.py"))

    yield add
    with stores.infra.engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS seen"))
        connection.execute(text("ALTER TABLE queues DROP COLUMN IF EXISTS added"))
        connection.execute(text("DROP INDEX IF EXISTS ix_queues_next"))
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
        until(lambda: _waits(told) >= 2, 60, "the end of the migration's second wait")
        reader.rollback()
        migration.join(60)
    with stores.infra.engine.connect() as connection:
        assert connection.execute(text("SELECT added FROM queues")).all()


def test_an_index_whose_build_was_killed_is_made_again(stores, next_migration):
    next_migration(INDEX)
    watching = stores.infra.engine.execution_options(isolation_level="AUTOCOMMIT").connect()
    with watching as watcher, ThreadPoolExecutor(1) as thread:
        with stores.infra.engine.connect() as writer:
            writer.execute(text("UPDATE queues SET paused = false"))
            killed = thread.submit(migrate, stores.infra.engine)
            pid = until(lambda: watcher.scalar(BUILDS), 60, "the build of the index")
            watcher.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
            with pytest.raises(OperationalError, match="terminat"):
                killed.result(60)
            assert watcher.scalar(STATE) is False
            writer.rollback()
        migrate(stores.infra.engine)
        assert watcher.scalar(STATE) is True
        assert watcher.scalar(text("SELECT version_num FROM alembic_version")) == "next"


def test_an_index_waits_as_long_as_it_takes_and_keeps_nobody_from_writing(stores, next_migration, tmp_path):
    next_migration(f"op.execute(\"SET lock_timeout = '100ms'\"); {INDEX}")
    (tmp_path / "alembic.ini").write_text(f"[alembic]\nscript_location = {tmp_path / 'migrations'}\n")
    again = [sys.executable, "-m", "alembic", "-c", str(tmp_path / "alembic.ini"), "upgrade", "head"]
    watching = stores.infra.engine.execution_options(isolation_level="AUTOCOMMIT").connect()
    with watching as watcher, ThreadPoolExecutor(1) as thread, stores.infra.engine.connect() as writer:
        writer.execute(text("UPDATE queues SET paused = false WHERE name = 'cpu'"))
        first = thread.submit(migrate, stores.infra.engine)
        until(lambda: watcher.scalar(BUILDS), 60, "the build of the index")
        # Another one waits for this one, which must not wait for it in turn.
        known = list(watcher.scalars(text(SESSIONS)))
        second = subprocess.Popen(again, cwd=ROOT)
        try:
            until(lambda: watcher.scalar(ASKS, {"known": known}), 60, "the second one's wait")
            watcher.execute(text("UPDATE queues SET paused = false WHERE name = 'gpu'"))
            until(lambda: watcher.scalar(LONG_BUILDS), 60, "a wait that is longer than the time limit of locks")
            writer.rollback()
            first.result(60)
            assert second.wait(60) == 0
        finally:
            second.kill()
            second.wait()
        assert watcher.scalar(STATE) is True


def test_migrations_make_indexes_of_existing_tables_concurrently():
    assert faults() == []


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ('op.create_index("ix_jobs_next", "jobs", ["name"])', "locks jobs"),
        ("CREATE UNIQUE INDEX ix_jobs_next ON jobs (name)", "locks jobs"),
        ('op.create_unique_constraint("uq_jobs_next", "jobs", ["name"])', "locks jobs"),
        ("ALTER TABLE jobs ADD COLUMN number int UNIQUE", "locks jobs"),
        (f"{INDEX}; op.execute('DELETE FROM chores')", "'DELETE FROM chores' would be done twice"),
    ],
)
def test_a_new_migration_that_would_lock_a_table_is_refused(next_migration, statement, fault):
    next_migration(statement)
    (found,) = faults(Path(migrations.__file__).parent)
    assert found.startswith("next.py: ")
    assert fault in found


def test_a_new_migration_may_give_its_own_table_an_index(next_migration):
    next_migration("CREATE TABLE seen (a int PRIMARY KEY, b int UNIQUE); CREATE INDEX ix_seen ON seen (b)")
    assert faults(Path(migrations.__file__).parent) == []
    next_migration(INDEX)
    assert faults(Path(migrations.__file__).parent) == []
