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

from ganforge.stack.child import Child
from ganforge.stack.home import Home
from ganforge.stack.ports import free_port
from ganforge.stack.servers import SERVICE
from ganforge.stack.services import Services
from ganforge.stack.shutdown import stop_groups
from stores.container import Stores, open_stores
from stores.infra.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
READY_S = 60.0


@dataclass(frozen=True)
class Served:
    """Where the API is, who may do everything there, and the stores below it."""

    environment: dict[str, str]
    port: int
    key: str
    stores: Stores
    services: Services
    child: Child

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


def create_database(services: Services, name: str) -> None:
    """Create an empty database that belongs to the service's role."""
    with psycopg.connect(services.admin_dsn_for("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} OWNER {SERVICE}".encode())


@contextmanager
def served(services: Services, name: str, **settings: str) -> Iterator[Served]:
    """Run one API process over a database called `name` for the block."""
    create_database(services, name)
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
    stores = open_stores(_settings(environment), pool_size=20)
    module = ["gunicorn", "-c", str(ROOT / "api" / "gunicorn.conf.py")]
    try:
        with running(services, f"api-{name}", module, environment) as child:
            await_answer(port)
            yield Served(environment, port, (home / "admin.key").read_text().strip(), stores, services, child)
    finally:
        stores.close()


@contextmanager
def running(
    services: Services,
    name: str,
    module: list[str],
    environment: dict[str, str],
    *,
    python: str = sys.executable,
    folder: Path = ROOT,
) -> Iterator[Child]:
    """Run `python -m …` for the block. It ends with the servers, however this program ends."""
    home = Path(environment["GANFORGE_HOME"])
    home.mkdir(parents=True, exist_ok=True)
    command = [python, "-m", *module]
    child = Child(name=name, command=command, env=environment, log=home / f"{name}.log", grace=60, folder=folder)
    services.run(child)
    try:
        yield child
    finally:
        if child.group is not None:
            stop_groups([child.group], lambda: False)
        child.reap()
        del services.children[name]


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
