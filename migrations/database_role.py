"""The ordinary database role that the service works as: `python -m migrations.database_role` creates it.

A superuser of Postgres can run programs and read files on the database's host. The service needs neither, so only this
step connects as the superuser. It may run repeatedly, while the service runs: it also sets the role's password, takes
back attributes that an ordinary role must not have, and hands over what the superuser owns in the database. That is how
databases of earlier versions, whose service was the superuser, are upgraded.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.errors import LockNotAvailable
from psycopg.sql import SQL, Identifier, Literal

from migrations.lock_waits import LOCK_TIMEOUT, PAUSE_S, TRIES
from models.libpq import forget_libpq_variables

# Two of these steps at once must not change one row of the catalogue; any otherwise unused number works.
LOCK = 7_205_759_403_792_795
ATTRIBUTES = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
# The database's owner may have set a search path for it. The superuser must call no function of that owner's, so its
# sessions see the system's catalogue only. This also makes the query below give full names.
_SESSION = f"-c search_path= -c lock_timeout={LOCK_TIMEOUT}"

# Indexes and owned sequences follow their table, array types their element, and an extension keeps what it made.
_OWNED = """
    WITH mine AS (SELECT oid FROM pg_roles WHERE rolname = current_user),
    extended AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'),
    spaces AS (SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema')
    SELECT 'SCHEMA', quote_ident(nspname) FROM pg_namespace
    WHERE nspowner IN (TABLE mine) AND oid IN (TABLE spaces)
        AND ('pg_namespace'::regclass, oid) NOT IN (TABLE extended)
    UNION ALL
    SELECT CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'
        WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, oid::regclass::text FROM pg_class
    WHERE relowner IN (TABLE mine) AND relnamespace IN (TABLE spaces) AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
        AND ('pg_class'::regclass, oid) NOT IN (TABLE extended)
        AND NOT (relkind = 'S' AND EXISTS (SELECT FROM pg_depend
            WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype IN ('a', 'i')))
    UNION ALL
    SELECT 'ROUTINE', oid::regprocedure::text FROM pg_proc
    WHERE proowner IN (TABLE mine) AND pronamespace IN (TABLE spaces)
        AND ('pg_proc'::regclass, oid) NOT IN (TABLE extended)
    UNION ALL
    SELECT 'TYPE', oid::regtype::text FROM pg_type
    WHERE typowner IN (TABLE mine) AND typnamespace IN (TABLE spaces)
        AND (typtype IN ('d', 'e', 'r') OR typtype = 'c' AND EXISTS (SELECT FROM pg_class
            WHERE pg_class.oid = typrelid AND relkind = 'c'))
        AND ('pg_type'::regclass, oid) NOT IN (TABLE extended)
"""


class RoleError(Exception):
    """The role can't be created as asked; the text gives the remedy."""


@dataclass(frozen=True)
class ServiceRole:
    """The role of the service, its password, and its database."""

    name: str
    password: str
    database: str

    @classmethod
    def of_url(cls, url: str) -> ServiceRole:
        """Return the role that an address of the service's database names.

        Raises:
            RoleError: the address is none, or lacks the role, its password or the database.
        """
        try:
            parts = conninfo_to_dict(libpq_url(url))
        except psycopg.ProgrammingError:
            raise RoleError("GANFORGE_DATABASE_URL is no address of a Postgres database") from None
        name, password, database = (str(parts.get(part) or "") for part in ("user", "password", "dbname"))
        if not (name and password and database):
            raise RoleError("GANFORGE_DATABASE_URL must have the form postgresql+psycopg://ROLE:PASSWORD@HOST/DATABASE")
        return cls(name, password, database)


def libpq_url(url: str) -> str:
    """Return SQLAlchemy's address of a database as libpq reads it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def ensure_service_role(admin: str, role: ServiceRole) -> None:
    """Create or repair the role and its database, and hand over what the superuser owns there.

    `admin` is a libpq address of the server for the superuser, with any existing database.

    Raises:
        RoleError: the address and the role are the same, or a table was in use for about a minute.
        psycopg.OperationalError: the server does not answer.
    """
    with _connect(admin) as connection:
        if connection.info.user == role.name:
            raise RoleError(
                f"the service's role {role.name!r} is the superuser itself: give the service a role of another name, "
                "which this step creates"
            )
        connection.execute("SET lock_timeout = 0")
        connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        _ensure_role(connection, role)
        _ensure_database(connection, role)
        with _connect(make_conninfo(admin, dbname=role.database)) as inside:
            _hand_over(inside, role.name)


def _connect(admin: str) -> psycopg.Connection:
    return psycopg.connect(admin, autocommit=True, connect_timeout=5, options=_SESSION)


def _ensure_role(connection: psycopg.Connection, role: ServiceRole) -> None:
    known = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role.name]).fetchone() is not None
    # Hashed here, so that no log of statements shows it.
    hashed = connection.pgconn.encrypt_password(role.password.encode(), role.name.encode(), b"scram-sha-256").decode()
    connection.execute(
        SQL("{} ROLE {} {} PASSWORD {}").format(
            SQL("ALTER" if known else "CREATE"), Identifier(role.name), SQL(ATTRIBUTES), Literal(hashed)
        )
    )


def _ensure_database(connection: psycopg.Connection, role: ServiceRole) -> None:
    query = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s"
    found = connection.execute(query, [role.database]).fetchone()
    database, owner = Identifier(role.database), Identifier(role.name)
    if found is None:
        connection.execute(SQL("CREATE DATABASE {} OWNER {}").format(database, owner))
    elif found[0] == connection.info.user:
        connection.execute(SQL("ALTER DATABASE {} OWNER TO {}").format(database, owner))


def _hand_over(connection: psycopg.Connection, role: str) -> None:
    """Make the role the owner of everything in this database that the superuser owns. It can be taken up again."""
    for left in reversed(range(TRIES)):
        try:
            for kind, name in connection.execute(_OWNED).fetchall():
                statement = SQL("ALTER {} {} OWNER TO {}").format(SQL(kind), SQL(name), Identifier(role))
                connection.execute(statement)
            return
        except LockNotAvailable as error:
            if left == 0:
                raise RoleError(
                    f"the tables can't be handed over to {role!r} while they are in use: {error}"
                ) from error
            time.sleep(PAUSE_S)


def main() -> int:
    """Run from the command line, with the addresses in the environment."""
    forget_libpq_variables()
    try:
        admin = os.environ.get("GANFORGE_ADMIN_DATABASE_URL", "")
        if not admin:
            raise RoleError("GANFORGE_ADMIN_DATABASE_URL must be an address of the database server for its superuser")
        role = ServiceRole.of_url(os.environ.get("GANFORGE_DATABASE_URL", ""))
        ensure_service_role(libpq_url(admin), role)
    except (RoleError, psycopg.Error) as error:
        sys.stderr.write("database role: {}\n".format(str(error).partition("\n")[0]))
        return 1
    sys.stderr.write(f"database role: {role.name} owns the database {role.database}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
