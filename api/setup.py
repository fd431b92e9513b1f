"""Setup before the first request: `python -m api.setup`. It may run repeatedly and concurrently."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, Engine, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError, PendingRollbackError

import migrations
from migrations.lock_waits import PAUSE_S, TRIES
from models.files import write_private
from models.rows import Queue
from models.states import DeviceClass, Role
from stores.accounts.keys import new_secret
from stores.container import Stores, open_stores
from stores.infra.errors import StoreError
from stores.infra.logs import configure_logs
from stores.infra.process_start import start_process
from stores.infra.settings import Settings
from stores.infra.sql import lift_time_limits

log = structlog.get_logger(__name__)

PATIENCE_S = 60.0
# Between two looks whether another setup has ended.
ASK_AGAIN_S = 0.2
# Advisory lock for one setup at a time over all hosts. Any otherwise unused number works.
LOCK = 7_205_759_403_792_794


def set_up(settings: Settings) -> None:
    """Wait for the database, migrate it, and create the bucket, the queues, the data sets and an admin key.

    Raises:
        OperationalError: the database did not answer in time.
        StoreError: the object store did not answer.
    """
    stores = open_stores(settings)
    wait_for_database(stores.infra.engine, PATIENCE_S)
    warn_of_superuser(stores.infra.engine)
    with one_setup_at_a_time(stores.infra.engine):
        migrate(stores.infra.engine)
        stores.infra.blobs.ensure_bucket()
        with stores.infra.engine.begin() as writer:
            rows = [{"name": str(queue)} for queue in DeviceClass]
            writer.execute(insert(Queue).on_conflict_do_nothing(), rows)
        stores.datasets.register_known(settings.roots)
        ensure_admin(stores, settings.home)
    stores.close()


@contextmanager
def one_setup_at_a_time(engine: Engine) -> Iterator[Connection]:
    """Hold the lock of the setup, after waiting for it as long as another setup has it; yield its session.

    However long the setup takes, no time limit of the server ends this session or its wait: it is never inside a
    transaction, and the limits are off. Closing the session releases the lock, so the session must not go back to the
    pool.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.detach()
        lift_time_limits(connection, local=False)
        waiting = False
        # A statement that waited would have a snapshot, and an index that the other setup makes concurrently would wait
        # for the end of that: neither would ever end.
        while not connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": LOCK}):
            if not waiting:
                log.info("setup_waits_for_another_one")
            waiting = True
            time.sleep(ASK_AGAIN_S)
        yield connection


def wait_for_database(engine: Engine, patience_s: float) -> None:
    """Return when the database answers.

    Raises:
        OperationalError: it did not in time.
    """
    deadline = time.monotonic() + patience_s
    while True:
        try:
            with engine.connect() as connection:
                connection.execute(text("SELECT 1"))
            return
        except OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def warn_of_superuser(engine: Engine) -> None:
    """Log a warning if the service works as a superuser, who can run programs on the database's host."""
    with engine.connect() as connection:
        role = connection.execute(
            text("SELECT rolname FROM pg_roles WHERE rolname = current_user AND rolsuper")
        ).scalar()
    if role is not None:
        remedy = "give the service an ordinary role: `python -m migrations.database_role` makes one"
        log.warning("database_role_is_superuser", role=role, remedy=remedy)


def migrate(engine: Engine, *, tries: int = TRIES, pause_s: float = PAUSE_S) -> None:
    """Migrate the tables to the newest version. Try again while somebody uses a table, `tries` times in all.

    Tries are counted, not seconds: the wait for another migration may take any time.

    Raises:
        OperationalError: the table was in use each time.
    """
    left = tries
    while True:
        try:
            return _upgrade(engine)
        except OperationalError as error:
            left -= 1
            if not isinstance(error.orig, LockNotAvailable) or left == 0:
                raise
            log.warning("migration_waits_for_a_table", error=str(error.orig).partition("\n")[0], tries_left=left)
            time.sleep(pause_s)


def _upgrade(engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except PendingRollbackError as error:
            # Alembic closes a block outside a transaction even where the session is gone. What ended it came before.
            if isinstance(error.__context__, OperationalError):
                raise error.__context__ from None
            raise
        finally:
            # With the session end the lock and the limits that the migrations gave it (migrations/env.py).
            connection.invalidate()


def ensure_admin(stores: Stores, home: Path) -> None:
    """Ensure that an admin can sign in: the key in `admin.key` is valid, or an admin has another one.

    The file is written before the row, so a crash in between leaves a file whose key is registered the next time.
    """
    file = home / "admin.key"
    if file.exists():
        secret = file.read_text().strip()
        if stores.accounts.keys.authenticate(secret) is None and not stores.accounts.keys.known(secret):
            stores.accounts.keys.create("admin", "admin", Role.admin, secret)
            log.info("admin_key_registered", file=str(file))
        return
    if stores.accounts.keys.count_admins():
        remedy = "admin keys exist, so none was made: put the file back, or have an admin make a key for this host"
        log.warning("admin_key_file_missing", file=str(file), remedy=remedy)
        return
    home.mkdir(parents=True, exist_ok=True)
    secret = new_secret()
    write_private(file, secret + "\n")
    stores.accounts.keys.create("admin", "admin", Role.admin, secret)
    log.info("admin_key_written", file=str(file))


def main() -> int:
    """Run from the command line."""
    configure_logs("setup")
    try:
        set_up(start_process())
    except (OperationalError, StoreError, OSError) as error:
        log.error("setup_failed", error=str(error).partition("\n")[0])
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
