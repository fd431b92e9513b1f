"""The servers of the local stack: real, private, and with data that outlives them."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from minio import Minio
from minio.error import MinioException
from sqlalchemy import create_engine, inspect, text

from ganforge.errors import HomeBusyError, StackError
from ganforge.stack.home import Home
from ganforge.stack.servers import _as_user
from ganforge.stack.services import Services
from migrations.database_role import libpq_url
from tests.ganforge.processes import carrying
from tests.waiting import until

pytestmark = pytest.mark.server  # these tests start servers of their own


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def _dsn(services: Services) -> str:
    return libpq_url(services.database_url)


def _store(services: Services, **changes: str) -> Minio:
    secrets = services.home.credentials()
    keys = {"access_key": secrets.s3_access_key, "secret_key": secrets.s3_secret_key} | changes
    return Minio(services.s3_url.removeprefix("http://"), secure=False, **keys)


def test_rows_and_objects_survive_a_restart_and_so_do_the_secrets(home: Home) -> None:
    with Services(home, durable=False) as services:
        before = home.credentials()
        with psycopg.connect(_dsn(services)) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        _store(services).make_bucket("kept")
        _store(services).put_object("kept", "a/b", io.BytesIO(b"bytes"), 5)

    with Services(home, durable=False) as services:
        assert home.credentials() == before
        with psycopg.connect(_dsn(services)) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
        answer = _store(services).get_object("kept", "a/b")
        assert answer.read() == b"bytes"
        answer.close()
        answer.release_conn()


def test_every_server_refuses_a_wrong_password(services: Services) -> None:
    passwords = services.home.credentials()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(_dsn(services).replace(passwords.postgres_service, "wrong"))
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(services.admin_dsn_for("ganforge").replace(passwords.postgres, passwords.postgres_service))
    with (
        redis.Redis.from_url(services.redis_url.replace(passwords.redis, "wrong")) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()
    with pytest.raises(MinioException, match="403"):
        _store(services, secret_key="0" * 40).list_buckets()


def test_secrets_stand_in_no_command_line_and_in_private_files_only(services: Services) -> None:
    secrets = services.home.credentials()
    values = [secrets.postgres, secrets.postgres_service, secrets.redis, secrets.s3_secret_key]
    for child in services.children.values():
        line = " ".join(psutil.Process(child.pid).cmdline())
        assert not any(value in line for value in values)
    for file in services.home.path.glob("*"):
        if file.is_file() and any(value in file.read_text() for value in values):
            assert file.stat().st_mode & 0o777 == 0o600, file


def test_servers_listen_on_the_loopback_interface_alone(services: Services) -> None:
    for child in services.children.values():
        listening = [c.laddr.ip for c in psutil.Process(child.pid).net_connections("tcp") if c.status == "LISTEN"]
        assert listening == ["127.0.0.1"], child.name


def test_a_second_stack_on_one_home_is_refused_and_told_who_holds_it(services: Services) -> None:
    with pytest.raises(HomeBusyError, match=rf"process {os.getpid()}\).*GANFORGE_HOME"):
        Services(Home(services.home.path)).start()
    with psycopg.connect(_dsn(services)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_server_that_does_not_start_is_named_with_its_last_log_lines_and_nothing_stays(home: Home) -> None:
    with Services(home, durable=False):
        pass
    (home.path / "postgres" / "PG_VERSION").write_text("9.6\n")
    with pytest.raises(StackError, match=r"(?s)postgres ended with exit code 1.*9\.6"):
        Services(home, durable=False).start()
    assert carrying(home.path) == []


def test_a_killed_server_can_be_restarted_on_its_port_and_data(home: Home) -> None:
    with Services(home) as services:
        with psycopg.connect(_dsn(services)) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        services.kill("postgres")
        services.restart("postgres")
        with psycopg.connect(_dsn(services)) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_a_process_id_left_by_a_killed_server_and_taken_by_another_process_is_no_obstacle(home: Home) -> None:
    with Services(home, durable=False):
        pass
    pid_file = home.path / "postgres" / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n")
    os.chown(pid_file, (home.path / "postgres").stat().st_uid, -1)
    with Services(home, durable=False) as services, psycopg.connect(_dsn(services)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_an_interrupted_first_start_is_repaired_by_the_next(home: Home) -> None:
    (home.path / "postgres.new" / "base").mkdir(parents=True)
    with Services(home, durable=False) as services, psycopg.connect(_dsn(services)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


HOLD = """
import sys, time
from pathlib import Path
from ganforge.stack.home import Home
from ganforge.stack.services import Services
with Services(Home(Path(sys.argv[1])), durable=False) as services:
    print("up", flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_a_parent_that_was_killed_and_the_home_is_free_again(home: Home, number: int) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(home.path)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "up\n"
        assert len(carrying(home.path)) >= 3
        parent.send_signal(number)
    # Taking the home over waits for the watchdog of the dead parent, then finds everything stopped and in order.
    start = time.monotonic()
    with Services(home, durable=False) as services, psycopg.connect(_dsn(services)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert time.monotonic() - start < 60
    until(lambda: carrying(home.path) == [], 60, "the end of all processes")
    assert "database system was not properly shut down" not in home.log("postgres").read_text()


def test_a_test_gets_a_migrated_database_of_its_own(database_url: str) -> None:
    engine = create_engine(database_url)
    assert {"jobs", "events", "artifacts", "keys"} <= set(inspect(engine).get_table_names())
    with engine.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM keys")).scalar() == 0
    engine.dispose()


def test_the_database_s_programs_may_ask_for_themselves_below_a_closed_folder(tmp_path: Path) -> None:
    """They call access(2), which forgets capabilities: a checkout below a folder of mode 0700 must still start."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    program = closed / "program"
    program.touch(mode=0o755)
    ask = [
        sys.executable,
        "-c",
        "import os, sys; sys.exit(not os.access(sys.argv[1], os.R_OK | os.X_OK))",
        str(program),
    ]
    assert subprocess.run(_as_user(ask), check=False).returncode == 0


@pytest.mark.parametrize(
    "command", ["CONFIG SET dir /tmp", "CONFIG SET dbfilename file", "MODULE LOAD /tmp/library.so", "DEBUG RESTART"]
)
def test_the_broker_writes_no_file_and_loads_no_library_for_the_service(services: Services, command: str) -> None:
    with (
        redis.Redis.from_url(services.redis_url) as client,
        pytest.raises(redis.ResponseError, match=r"protected config|not allowed"),
    ):
        client.execute_command(*command.split())
