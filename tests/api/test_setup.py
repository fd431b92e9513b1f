"""python -m api.setup"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import OperationalError

from api.setup import ensure_admin, one_setup_at_a_time, wait_for_database
from ganforge.stack.ports import free_port
from ganforge.stack.services import Services
from models.rows import Key
from models.states import Role
from stores.accounts.audit import Local
from stores.container import Stores, open_stores
from stores.infra.db import make_engine
from stores.infra.settings import Settings
from stores.infra.sql import TIME_LIMITS
from tests.api.server import ROOT
from tests.database import limit_transactions
from tests.waiting import IN_THIS_DATABASE, until


@pytest.fixture
def stores(settings: Settings) -> Iterator[Stores]:
    """Return stores over a database with tables and nothing in them."""
    opened = open_stores(settings)
    yield opened
    opened.close()


def keys(stores: Stores) -> int:
    """Return how many keys there are."""
    with stores.infra.engine.connect() as connection:
        return len(connection.execute(Key.__table__.select()).all())


def start(settings: Settings) -> subprocess.Popen[str]:
    """Start the command over the settings in the environment."""
    command = [sys.executable, "-m", "api.setup"]
    return subprocess.Popen(command, cwd=ROOT, env=os.environ, stderr=subprocess.PIPE, text=True)


def test_three_at_once_make_one_of_everything(settings: Settings, stores: Stores) -> None:
    started = [start(settings) for _ in range(3)]
    for process in started:
        _, log = process.communicate(timeout=60)
        assert process.returncode == 0, log
    secret = (settings.home / "admin.key").read_text().strip()
    who = stores.accounts.keys.authenticate(secret)
    assert who is not None
    assert who.role is Role.admin
    assert keys(stores) == 1
    assert [row["name"] for row in stores.queries.jobs.queues(15)] == ["cpu", "gpu", "jetson"]
    assert stores.datasets.names(None) == ["mnist-10k"]
    assert stat.S_IMODE((settings.home / "admin.key").stat().st_mode) == 0o600
    assert [path.name for path in settings.home.iterdir()] == ["admin.key"]


def test_a_setup_that_takes_longer_than_a_lease_ends_well(
    settings: Settings, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANFORGE_LEASE_S", "1")
    waits = text(
        "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) JOIN pg_class ON oid = relation "
        f"WHERE NOT granted AND {IN_THIS_DATABASE} AND relname = 'queues' "
        "AND query_start < clock_timestamp() - interval '1.5 s'"
    )
    autocommit = stores.infra.engine.execution_options(isolation_level="AUTOCOMMIT")
    with stores.infra.engine.connect() as blocker, autocommit.connect() as observer:
        # A setup that comes late on a busy machine must still find the lock.
        blocker.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        # The slow step: the setup cannot insert the queues.
        blocker.execute(text("LOCK TABLE queues IN ACCESS EXCLUSIVE MODE"))
        process = start(settings)
        until(lambda: observer.scalar(waits), 60, "the setup's wait for more than a lease")
        blocker.rollback()
    _, log = process.communicate(timeout=60)
    assert process.returncode == 0, log
    assert keys(stores) == 1


def test_no_time_limit_of_the_server_ends_the_lock_of_a_setup_or_the_wait_for_it(settings: Settings) -> None:
    engine = make_engine(settings)
    event.listen(engine, "connect", limit_transactions)
    usual = {limit: _limit(engine, limit) for limit in TIME_LIMITS}
    with one_setup_at_a_time(engine) as session:
        assert {limit: session.scalar(text(f"SHOW {limit}")) for limit in TIME_LIMITS} == dict.fromkeys(usual, "0")
        own = "SELECT state, xact_start FROM pg_stat_activity WHERE pid = :pid"
        pid = session.scalar(text("SELECT pg_backend_pid()"))
        with engine.connect() as observer:
            assert observer.execute(text(own), {"pid": pid}).one() == ("idle", None)
    assert (usual["statement_timeout"], usual["transaction_timeout"]) == ("30s", "1h")
    assert {limit: _limit(engine, limit) for limit in TIME_LIMITS} == usual
    engine.dispose()


def _limit(engine: Engine, name: str) -> str:
    with engine.connect() as connection:
        return str(connection.scalar(text(f"SHOW {name}")))


def test_a_second_setup_waits_for_the_first(settings: Settings, stores: Stores) -> None:
    with one_setup_at_a_time(stores.infra.engine):
        second = start(settings)
        assert second.stderr is not None
        until(lambda: "setup_waits_for_another_one" in second.stderr.readline(), 60, "the second setup's wait")  # type: ignore[union-attr]
        assert second.poll() is None
    _, log = second.communicate(timeout=60)
    assert second.returncode == 0, log


def test_a_left_temporary_file_does_not_stop_the_setup(settings: Settings, stores: Stores) -> None:
    settings.home.mkdir(parents=True)
    left = settings.home / f"admin.key.{os.getpid()}.tmp"
    left.write_text("gf_half")
    ensure_admin(stores, settings.home)
    assert stores.accounts.keys.authenticate((settings.home / "admin.key").read_text().strip()) is not None


def test_a_key_that_was_written_but_not_registered_is_registered(settings: Settings, stores: Stores) -> None:
    ensure_admin(stores, settings.home)
    secret = (settings.home / "admin.key").read_text().strip()
    with stores.infra.engine.begin() as connection:
        connection.execute(Key.__table__.delete())
    ensure_admin(stores, settings.home)
    assert stores.accounts.keys.authenticate(secret) is not None
    assert keys(stores) == 1


def test_a_lost_file_makes_no_new_key(settings: Settings, stores: Stores) -> None:
    ensure_admin(stores, settings.home)
    (settings.home / "admin.key").unlink()
    ensure_admin(stores, settings.home)
    assert not (settings.home / "admin.key").exists()
    assert keys(stores) == 1


def test_a_revoked_key_does_not_come_back(settings: Settings, stores: Stores) -> None:
    ensure_admin(stores, settings.home)
    secret = (settings.home / "admin.key").read_text().strip()
    stores.accounts.keys.create("second", "second", Role.admin)
    first = stores.accounts.keys.authenticate(secret)
    assert first is not None
    stores.accounts.keys.revoke(first.key_id, Local("root"))
    ensure_admin(stores, settings.home)
    assert stores.accounts.keys.authenticate(secret) is None


def test_a_database_that_never_answers_is_given_up(settings: Settings) -> None:
    nowhere = SecretStr(f"postgresql+psycopg://x:y@127.0.0.1:{free_port()}/z")
    engine = make_engine(settings.model_copy(update={"database_url": nowhere}))
    with pytest.raises(OperationalError):
        wait_for_database(engine, 0.5)


def test_the_api_refuses_the_world_while_nobody_has_a_key(
    settings: Settings, stores: Stores, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GANFORGE_HOST", "0.0.0.0")  # noqa: S104
    monkeypatch.setenv("GANFORGE_PORT", str(free_port()))
    command = [sys.executable, "-m", "gunicorn", "-c", str(ROOT / "api" / "gunicorn.conf.py")]
    refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode != 0
    assert "python -m api.setup" in refused.stderr
    assert "Booting worker" not in refused.stderr


def test_importing_everything_needs_nothing() -> None:
    program = (
        "import pkgutil, sys, api\n"
        "import socket\n"
        "def refuse(*_): raise SystemExit('something connected')\n"
        "socket.socket.connect = refuse\n"
        "for module in pkgutil.walk_packages(api.__path__, 'api.'):\n"
        "    if 'conf' not in module.name: __import__(module.name)\n"
        "from api.app import create_app\n"
        "create_app()\n"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules\n"
    )
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, cwd=ROOT, env={"PATH": ""}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_service_that_works_as_superuser_is_told(
    settings: Settings, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def logged() -> str:
        process = start(settings)
        _, log = process.communicate(timeout=60)
        assert process.returncode == 0, log
        return log

    assert "database_role_is_superuser" not in logged()
    name = str(make_engine(settings).url.database)
    superuser = services.admin_dsn_for(name).replace("postgresql://", "postgresql+psycopg://")
    monkeypatch.setenv("GANFORGE_DATABASE_URL", superuser)
    told = logged()
    assert "database_role_is_superuser" in told
    assert "migrations.database_role" in told
