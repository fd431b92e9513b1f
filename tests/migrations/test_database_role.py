"""The service works as an ordinary role: it runs nothing on the database's host, and old databases are upgraded."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from ganforge.stack.home import Home
from ganforge.stack.servers import SERVICE, SUPERUSER
from ganforge.stack.services import Services
from migrations.database_role import RoleError, ServiceRole, ensure_service_role, libpq_url
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]
# What databases of earlier versions hold, and what one may come to hold.
OLD_ROWS = """
CREATE TABLE old_jobs (id bigserial PRIMARY KEY, name text);
INSERT INTO old_jobs (name) VALUES ('first'), ('second');
CREATE TYPE mood AS ENUM ('calm');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE SEQUENCE numbers;
CREATE VIEW names AS SELECT name FROM old_jobs;
CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM old_jobs;
CREATE SCHEMA "an Other";
CREATE TABLE "an Other"."a ""Table" (x int);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
CREATE TRIGGER refuses BEFORE DELETE ON old_jobs FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE EXTENSION hstore;
"""
NOT_OURS = """
SELECT count(*) FROM pg_class WHERE relowner = %s::regrole AND relnamespace NOT IN
    (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_' OR nspname = 'information_schema')
"""


@pytest.fixture
def database(services: Services) -> Iterator[str]:
    """Return the name of an empty database that still belongs to the superuser."""
    name = "ganforge_old"
    with psycopg.connect(services.admin_dsn_for("postgres"), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
        admin.execute(f"CREATE DATABASE {name}".encode())
        yield name
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _role(services: Services, database: str) -> ServiceRole:
    return ServiceRole.of_url(services.database_url_for(database))


def _as_service(services: Services, database: str = "ganforge") -> psycopg.Connection:
    return psycopg.connect(libpq_url(services.database_url_for(database)), autocommit=True)


@pytest.mark.parametrize(
    "statement",
    [
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "CREATE TEMPORARY TABLE taken (line text); COPY taken FROM PROGRAM 'id'",
        "CREATE TEMPORARY TABLE taken (line text); COPY taken FROM '/etc/passwd'",
        "CREATE EXTENSION file_fdw",
        "CREATE EXTENSION dblink",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT lo_import('/etc/passwd')",
        "ALTER SYSTEM SET archive_command = 'true'",
        "LOAD '/tmp/library.so'",
        "CREATE FUNCTION f() RETURNS int LANGUAGE c AS '/tmp/library.so'",
        "CREATE ROLE another SUPERUSER",
        f"ALTER ROLE {SERVICE} SUPERUSER",
        f"SET ROLE {SUPERUSER}",
        "CREATE DATABASE another",
        "SET session_replication_role = replica",
        "SELECT rolpassword FROM pg_authid",
    ],
)
def test_the_service_can_run_no_program_read_no_file_and_gain_no_rights(services: Services, statement: str) -> None:
    with _as_service(services) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute(statement.encode())


def test_the_service_owns_its_database_and_can_migrate_it(services: Services) -> None:
    with _as_service(services) as connection:
        connection.execute("CREATE TABLE made_by_a_migration (x int)")
        connection.execute("DROP TABLE made_by_a_migration")
        attributes = "SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls FROM pg_roles "
        found = connection.execute(f"{attributes} WHERE rolname = current_user".encode()).fetchone()
        assert found == (False, False, False, False, False)


def test_an_old_database_keeps_its_rows_and_passes_to_the_role(services: Services, database: str) -> None:
    with psycopg.connect(services.admin_dsn_for(database), autocommit=True) as admin:
        admin.execute(OLD_ROWS.encode())
    for _ in range(2):
        ensure_service_role(services.admin_dsn_for("postgres"), _role(services, database))
    with _as_service(services, database) as connection:
        assert connection.execute("SELECT id, name FROM old_jobs ORDER BY id").fetchall() == [
            (1, "first"),
            (2, "second"),
        ]
        connection.execute("INSERT INTO old_jobs (name) VALUES ('third')")
        connection.execute("ALTER TABLE old_jobs ADD COLUMN more mood")
        connection.execute("ALTER TYPE mood ADD VALUE 'wild'")
        connection.execute("ALTER DOMAIN positive DROP CONSTRAINT positive_check")
        connection.execute("ALTER SEQUENCE numbers RESTART 5")
        connection.execute("REFRESH MATERIALIZED VIEW counted")
        connection.execute("CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN END $$")
        connection.execute('DROP SCHEMA "an Other" CASCADE')
        connection.execute("DROP VIEW names")
        assert connection.execute(NOT_OURS, [SUPERUSER]).fetchone() == (0,)
        owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
        assert connection.execute(owner.encode()).fetchone() == (SERVICE,)


def test_an_attribute_that_somebody_gave_the_role_is_taken_back(services: Services) -> None:
    with psycopg.connect(services.admin_dsn_for("postgres"), autocommit=True) as admin:
        admin.execute(f"ALTER ROLE {SERVICE} SUPERUSER CREATEDB REPLICATION PASSWORD 'changed'".encode())
        ensure_service_role(services.admin_dsn_for("postgres"), _role(services, "ganforge"))
    with _as_service(services) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute("CREATE DATABASE another")


def test_the_superuser_calls_no_function_of_the_service(services: Services, database: str) -> None:
    """The owner of a database may choose a search path for all who connect to it, the superuser included."""
    ensure_service_role(services.admin_dsn_for("postgres"), _role(services, database))
    with _as_service(services, database) as connection:
        connection.execute(
            "CREATE FUNCTION quote_ident(name) RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE ''fooled''; END'"
        )
        connection.execute(f"ALTER DATABASE {database} SET search_path = public, pg_catalog".encode())
    with psycopg.connect(services.admin_dsn_for(database), autocommit=True) as admin:
        admin.execute("CREATE SCHEMA of_the_superuser")
        with pytest.raises(psycopg.errors.RaiseException, match="fooled"):
            admin.execute("SELECT quote_ident(nspname) FROM pg_namespace")
    ensure_service_role(services.admin_dsn_for("postgres"), _role(services, database))


def test_a_table_in_use_is_waited_for(services: Services, database: str) -> None:
    with psycopg.connect(services.admin_dsn_for(database)) as user:
        user.execute("CREATE TABLE used (x int)")
        user.commit()
        user.execute("LOCK TABLE used IN ACCESS SHARE MODE")
        args = (services.admin_dsn_for("postgres"), _role(services, database))
        step = Thread(target=ensure_service_role, args=args)
        step.start()
        waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'used'::regclass"
        until(lambda: user.execute(waits.encode()).fetchone() == (1,), 60, "the step that waits for the table")
        user.commit()
        step.join(60)
        assert not step.is_alive()
    with _as_service(services, database) as connection:
        connection.execute("DROP TABLE used")


def test_a_role_that_is_the_superuser_itself_is_refused(services: Services) -> None:
    with pytest.raises(RoleError, match="a role of another name"):
        ensure_service_role(services.admin_dsn_for("postgres"), ServiceRole(SUPERUSER, "x", "ganforge"))


def _step(**environment: str) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("GANFORGE_")}
    return subprocess.run(
        [sys.executable, "-m", "migrations.database_role"],
        env={**own, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_step_of_the_containers_makes_role_and_database_and_shows_no_password(services: Services) -> None:
    admin = services.admin_dsn_for("postgres").replace("postgresql://", "postgresql+psycopg://")
    address = admin.partition("@")[2].replace("postgres", "ganforge_made")
    url = f"postgresql+psycopg://made_service:s3cret@{address}"
    done = _step(GANFORGE_ADMIN_DATABASE_URL=admin, GANFORGE_DATABASE_URL=url)
    assert (done.returncode, done.stderr) == (0, "database role: made_service owns the database ganforge_made\n")
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        connection.execute("CREATE TABLE t (x int)")
    with psycopg.connect(services.admin_dsn_for("postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE ganforge_made")
        connection.execute("DROP ROLE made_service")
    assert "s3cret" not in services.home.log("postgres").read_text()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"GANFORGE_ADMIN_DATABASE_URL": ""}, "GANFORGE_ADMIN_DATABASE_URL must be"),
        ({"GANFORGE_DATABASE_URL": ""}, "GANFORGE_DATABASE_URL must have the form"),
        ({"GANFORGE_DATABASE_URL": "postgresql+psycopg://ganforge_service@127.0.0.1/g"}, "must have the form"),
        ({"GANFORGE_DATABASE_URL": "nothing of the kind: s3cret"}, "GANFORGE_DATABASE_URL is no address"),
        ({}, "127.0.0.1"),  # nobody listens there
    ],
)
def test_the_step_says_in_one_line_what_is_wrong(changes: dict[str, str], told: str) -> None:
    given = {
        "GANFORGE_ADMIN_DATABASE_URL": "postgresql://admin:s3cret@127.0.0.1:1/postgres",
        "GANFORGE_DATABASE_URL": "postgresql+psycopg://service:s3cret@127.0.0.1:1/ganforge",
    }
    done = _step(**given | changes)
    assert done.returncode == 1
    assert told in done.stderr
    assert "s3cret" not in done.stderr
    assert "Traceback" not in done.stderr


OLD_HOME = """
CREATE TABLE kept AS SELECT 42 AS answer;
ALTER TABLE kept OWNER TO {superuser};
REASSIGN OWNED BY {service} TO {superuser};
DROP OWNED BY {service};
"""


@pytest.mark.server
def test_a_home_of_an_earlier_version_is_upgraded_when_it_starts(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    with (
        Services(home, durable=False) as services,
        psycopg.connect(services.admin_dsn_for("ganforge"), autocommit=True) as admin,
    ):
        # As a home was: no role but the superuser, which owns everything.
        admin.execute(OLD_HOME.format(superuser=SUPERUSER, service=SERVICE).encode())
        admin.execute(f"DROP ROLE {SERVICE}".encode())
        assert admin.execute("SELECT count(*) FROM pg_roles WHERE rolname !~ '^pg_'").fetchone() == (1,)
    with Services(home, durable=False) as services, _as_service(services) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
        connection.execute("DROP TABLE kept")
