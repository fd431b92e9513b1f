"""The database of a test process: migrated once, and emptied after each test, which is cheaper than a new one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

from ganforge.stack.servers import SERVICE
from ganforge.stack.services import Services

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE, NAME = "ganforge_template", "ganforge_test"
# Deleted rows leave their pages behind. A database that has grown beyond this is dropped and copied anew.
LARGE = 16 << 20

_END_OTHERS = """
    SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_RESTART = "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false) FROM pg_sequences"


class Database:
    """Gives a migrated database without rows, but for those that migrations insert."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.url = services.database_url_for(NAME)
        self._create(TEMPLATE, "template1")
        self._migrate()
        self._create(NAME)
        with self._connect() as connection:
            query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
            self._tables = [str(name) for (name,) in connection.execute(query)]
            self._rows = {name: rows for name in self._tables if (rows := _copy_out(connection, name))}

    def empty(self) -> None:
        """Leave nothing but the rows that migrations insert. End sessions that a killed process left open."""
        with self._connect() as connection:
            connection.execute(_END_OTHERS)
            size = connection.execute("SELECT pg_database_size(current_database())").fetchone()
            if size and size[0] <= LARGE:
                self._empty(connection)
                return
        self._admin(f"DROP DATABASE {NAME} WITH (FORCE)")
        self._create(NAME)

    def another(self, name: str) -> str:
        """Return the address of a fresh database beside this one, which no other test empties."""
        self._admin(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self._create(name)
        return self._services.database_url_for(name)

    def _empty(self, connection: psycopg.Connection) -> None:
        with connection.transaction():
            # No triggers: neither foreign keys nor the one that keeps audit rows from being changed. The service's own
            # role may not ask for that.
            connection.execute("SET LOCAL session_replication_role = replica")
            for name in self._tables:
                connection.execute(SQL("DELETE FROM {}").format(Identifier(name)))
            for name, rows in self._rows.items():
                with connection.cursor().copy(SQL("COPY {} FROM STDIN").format(Identifier(name))) as copy:
                    copy.write(rows)
            connection.execute(_RESTART)

    def _migrate(self) -> None:
        migrate = [sys.executable, "-m", "alembic", "-c", str(ROOT / "alembic.ini"), "upgrade", "head"]
        environment = {**os.environ, "GANFORGE_DATABASE_URL": self._services.database_url_for(TEMPLATE)}
        result = subprocess.run(migrate, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr

    def _connect(self, name: str = NAME) -> psycopg.Connection:
        return psycopg.connect(self._services.admin_dsn_for(name), autocommit=True)

    def _create(self, name: str, template: str = TEMPLATE) -> None:
        """Make a database that belongs to the service's role, as the local stack makes it."""
        self._admin(f"CREATE DATABASE {name} TEMPLATE {template} OWNER {SERVICE}")

    def _admin(self, statement: str) -> None:
        with self._connect("postgres") as connection:
            connection.execute(statement.encode())


def _copy_out(connection: psycopg.Connection, table: str) -> bytes:
    with connection.cursor().copy(SQL("COPY {} TO STDOUT").format(Identifier(table))) as copy:
        return b"".join(bytes(part) for part in copy)


def limit_transactions(connection: psycopg.Connection, _record: object) -> None:
    """Give a new connection of an engine a limit that the server of an operator may have: listen to `connect`."""
    connection.execute("SET transaction_timeout = '1h'")
    connection.commit()
