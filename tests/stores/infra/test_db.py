"""The service's connections to Postgres."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.api.server import ROOT

PROCESS = """
from sqlalchemy import text
from stores.infra.db import make_engine
from stores.infra.process_start import start_process

with make_engine(start_process()).connect() as connection:
    print(connection.execute(text("SELECT 1")).scalar_one())
"""


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
