"""An API over a database of its own, without workers: what a benchmark of the queue measures against."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from ganforge.stack.home import Home
from ganforge.stack.ports import free_port
from ganforge.stack.services import Services
from stores.container import Stores, open_stores
from stores.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
READY_S = 60.0


@dataclass(frozen=True)
class Served:
    """Where the API is, who may do everything there, and the stores below it."""

    environment: dict[str, str]
    port: int
    key: str
    stores: Stores
    process: subprocess.Popen[bytes]

    def connection(self) -> http.client.HTTPConnection:
        """Return a connection that stays open."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def call(self, link: http.client.HTTPConnection, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Send one request; return status and body."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        link.request(method, path, None if body is None else json.dumps(body), headers)
        answer = link.getresponse()
        return answer.status, json.loads(answer.read() or b"null")


@contextmanager
def servers() -> Iterator[Services]:
    """Run database, broker and object store for the block."""
    with tempfile.TemporaryDirectory(prefix="ganforge-bench-") as folder, Services(Home(Path(folder))) as services:
        yield services


@contextmanager
def served(services: Services, name: str, **settings: str) -> Iterator[Served]:
    """Run one API process over a database called `name` for the block."""
    dsn = services.database_url_for("postgres").replace("+psycopg", "")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    home = services.home.path / name
    home.mkdir(exist_ok=True)
    port = free_port()
    environment = {
        **os.environ,
        **services.environment(),
        "GANFORGE_DATABASE_URL": services.database_url_for(name),
        "GANFORGE_HOME": str(home),
        "GANFORGE_PORT": str(port),
        "GANFORGE_API_PROCESSES": "1",
        **settings,
    }
    subprocess.run(
        [sys.executable, "-m", "api.setup"], cwd=ROOT, env=environment, check=True, stderr=subprocess.DEVNULL
    )
    with (home / "api.log").open("wb") as log:
        command = [sys.executable, "-m", "gunicorn", "-c", str(ROOT / "api" / "gunicorn.conf.py")]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    stores = open_stores(_settings(environment), pool_size=10)
    try:
        await_answer(port)
        yield Served(environment, port, (home / "admin.key").read_text().strip(), stores, process)
    finally:
        stores.close()
        process.terminate()
        process.wait(30)


def _settings(environment: dict[str, str]) -> Settings:
    prefix = "GANFORGE_"
    given = {name.removeprefix(prefix).lower(): value for name, value in environment.items() if name.startswith(prefix)}
    return Settings(**{name: value for name, value in given.items() if name in Settings.model_fields})  # type: ignore[arg-type]


def await_answer(port: int) -> None:
    """Wait until the API answers.

    Raises:
        TimeoutError: it did not.
    """
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        with suppress(OSError, http.client.HTTPException):
            link.request("GET", "/healthz")
            if link.getresponse().status == 200:
                link.close()
                return
        link.close()
        time.sleep(0.1)
    raise TimeoutError("the API did not answer")
