"""A server of one process with low limits, and talk over bare sockets."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ganforge.stack.ports import free_port
from ganforge.stack.services import Services
from stores.infra.settings import Settings
from tests.api.server import Server
from tests.conftest import make_bucket
from tests.database import Database

CAP = 50


@dataclass
class Answer:
    """An answer as it came over the socket."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        """The body, which must be a whole problem."""
        assert self.headers["content-type"] == "application/problem+json"
        found: dict[str, Any] = json.loads(self.body)
        assert found["status"] == self.status
        assert found["request_id"] == self.headers["x-request-id"]
        assert found["title"]
        assert found["detail"]
        assert found["type"].endswith("/" + found["code"])
        return found


def read_answer(sock: socket.socket) -> Answer:
    """Read one answer, to the end of the connection."""
    text = b""
    while some := sock.recv(65_536):
        text += some
    head, _, body = text.partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    headers = dict(field.lower().split(": ", 1) for field in fields)
    return Answer(int(line.split(" ")[1]), headers, body)


@pytest.fixture(scope="module")
def environment(services: Services, _database: Database, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return what leads to one database for all tests of a module: servers start slowly."""
    return {
        **services.environment(),
        "GANFORGE_DATABASE_URL": _database.another(f"serving_{os.getpid()}"),
        "GANFORGE_S3_BUCKET": make_bucket(services).bucket,
        "GANFORGE_HOME": str(tmp_path_factory.mktemp("serving")),
        "GANFORGE_API_PROCESSES": "1",
        "GANFORGE_CONNECTIONS_PER_ADDRESS": str(CAP),
        "GANFORGE_NEW_CONNECTIONS_PER_ADDRESS": "10000",
        "GANFORGE_HEAD_S": "1",
        "GANFORGE_BODY_S": "1",
    }


@pytest.fixture(scope="module")
def settings(environment: dict[str, str]) -> Settings:
    """Return the settings of the server."""
    return Settings(**{name.removeprefix("GANFORGE_").lower(): value for name, value in environment.items()})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def start(environment: dict[str, str]) -> Iterator[Callable[..., Server]]:
    """Return a function that starts a server with further settings; all end with the module."""
    home = Path(environment["GANFORGE_HOME"])
    with ExitStack() as running:

        def run(**more: str) -> Server:
            server = Server({**environment, **more}, free_port(), home / "server.log")
            running.callback(server.stop)
            server.start()
            return server

        yield run


@pytest.fixture(scope="module")
def server(start: Callable[..., Server]) -> Server:
    """Return a running server: one process, 50 connections for an address, 1 s for a head, 1 s for a body."""
    return start()


Talk = Callable[..., Answer]


@pytest.fixture
def talk(server: Server) -> Talk:
    """Return a function that sends bytes and returns the answer, after which the server must close."""

    def send(content: bytes, *, done: bool = False) -> Answer:
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as sock:
            sock.sendall(content)
            if done:
                sock.shutdown(socket.SHUT_WR)
            return read_answer(sock)

    return send
