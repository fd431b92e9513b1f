"""The service's connections to Postgres."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from stores.infra.db import make_engine
from stores.infra.settings import Settings
from tests.api.server import ROOT

PROCESS = """
from sqlalchemy import text
from stores.infra.db import make_engine
from stores.infra.process_start import start_process

with make_engine(start_process()).connect() as connection:
    print(connection.execute(text("SELECT 1")).scalar_one())
"""


def test_connections_of_a_crowd_are_kept_for_the_next(database_url: str) -> None:
    """Each of eight at once has a connection, and none of these is made anew for the next eight."""
    engine = make_engine(Settings(database_url=SecretStr(database_url)))
    together = threading.Barrier(8)

    def backend(_: int) -> int:
        with engine.connect() as connection:
            together.wait(60)
            return connection.scalars(text("SELECT pg_backend_pid()")).one()

    with ThreadPoolExecutor(8) as pool:
        first, second = (set(pool.map(backend, range(8))) for _ in range(2))
    engine.dispose()
    assert len(first) == 8
    assert second == first


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PGSSLMODE", "require"),
        ("PGSERVICE", "elsewhere"),
        ("PGHOSTADDR", "192.0.2.1"),
        ("PGTZ", "nowhere"),
        ("PGCLIENTENCODING", "nonsense"),
        ("PGTARGETSESSIONATTRS", "standby"),
    ],
)
def test_a_process_ignores_variables_for_another_database(
    name: str, value: str, service_environment: dict[str, str]
) -> None:
    environment = {**os.environ, **service_environment, name: value}
    command = [sys.executable, "-c", PROCESS]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr
