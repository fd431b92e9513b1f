"""Bodies that come too slowly: they end, and hold nobody else up."""

from __future__ import annotations

import json
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from ganforge.stack.ports import free_port
from models.states import Role
from stores.container import Stores
from stores.infra.settings import Settings
from tests.api.server import Server
from tests.api.uploads.archives import pictures, zipped
from tests.api.uploads.begun import begin
from tests.waiting import until

PAUSE_S, DEADLINE_S = 2, 3
# The port, and the keys of two people.
Running = tuple[Server, str, str]


@pytest.fixture(scope="module")
def pace() -> dict[str, str]:
    """Return the settings of a body's pace, in seconds instead of hours."""
    return {
        "GANFORGE_BODY_S": str(PAUSE_S),
        "GANFORGE_UPLOAD_DEADLINE_S": str(DEADLINE_S),
        "GANFORGE_API_PROCESSES": "1",
    }


@pytest.fixture
def running(
    service_environment: dict[str, str], settings: Settings, stores: Stores, pace: dict[str, str], tmp_path: Path
) -> Iterator[Running]:
    """Return a running server and the keys of alice and bob."""
    environment = {**service_environment, "GANFORGE_HOME": str(settings.home), **pace}
    server = Server(environment, free_port(), tmp_path / "server.log")
    server.start()
    alice, bob = (stores.accounts.keys.create(f"key of {owner}", owner, Role.user)[1] for owner in ("alice", "bob"))
    yield server, alice, bob
    server.stop(signal.SIGTERM)


def answer(connection: socket.socket) -> tuple[int, dict[str, str], Any]:
    """Read the answer on a connection: status, headers, body."""
    with connection.makefile("rb") as lines:
        status = int(lines.readline().split()[1])
        headers = dict(line.decode().strip().lower().split(": ", 1) for line in iter(lines.readline, b"\r\n"))
        return status, headers, json.loads(lines.read(int(headers["content-length"])))


def test_slow_and_late_bodies_end_with_the_reason_and_refuse_nobody_else(
    running: Running, settings: Settings, nothing_left: Any
) -> None:
    server, alice, bob = running
    with ExitStack() as opened:
        began = time.monotonic()
        slow = [opened.enter_context(closing(begin(server, alice))) for _ in range(60)]
        archive = {"file": ("x.zip", zipped(pictures(16)))}
        headers = {"Authorization": f"Bearer {bob}"}
        other = httpx.post(
            f"{server.url}/v1/datasets", data={"name": "pets"}, files=archive, headers=headers, timeout=60
        )
        assert other.status_code == 201, other.text
        httpx.delete(f"{server.url}/v1/datasets/{other.json()['id']}", headers=headers, timeout=60)
        answers = [answer(connection) for connection in slow]
        took = time.monotonic() - began
    details = {status: [body["detail"] for code, _, body in answers if code == status] for status in (408, 503)}
    # Where the machine is slow, the first bodies have ended before the last begin, and leave their places to others.
    at_once, waves = settings.max_owner_uploads, 1 + int(took / PAUSE_S)
    assert at_once <= len(details[408]) <= waves * at_once
    assert len(details[408]) + len(details[503]) == 60
    assert all("GANFORGE_MAX_OWNER_UPLOADS" in detail for detail in details[503])
    assert all("retry-after" in headers for status, headers, _ in answers if status == 503)
    assert took < 28  # a pause may last 30 s where nothing else is set
    until(lambda: not list((settings.home / "uploads").iterdir()), 60, "an empty spool")
    assert nothing_left()
    _check_the_deadline(server, alice)


def _check_the_deadline(server: Server, alice: str) -> None:
    """Check that a body ends at its deadline, however fast it comes."""
    with closing(begin(server, alice, 1 << 30)) as connection:
        began = time.monotonic()
        connection.settimeout(0.2)
        while time.monotonic() - began < 10 * DEADLINE_S:
            connection.sendall(bytes(50_000))
            try:
                if connection.recv(1, socket.MSG_PEEK):
                    break
            except TimeoutError:
                continue
        took = time.monotonic() - began
        connection.settimeout(60)
        status, _, body = answer(connection)
    assert status == 503
    assert "did not arrive within 3 s (GANFORGE_UPLOAD_DEADLINE_S)" in body["detail"]
    assert DEADLINE_S - 1 < took < 10 * DEADLINE_S
