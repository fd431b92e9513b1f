"""A real server process for tests, and a reader of its streams."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from api.http.access import COOKIE
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Server:
    """gunicorn, as it is run in earnest."""

    environment: dict[str, str]
    port: int
    log: Path
    process: subprocess.Popen[bytes] | None = None
    prefix: Sequence[str] = ()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [*self.prefix, sys.executable, "-m", "gunicorn", "-c", str(ROOT / "api" / "gunicorn.conf.py")]
        env = {**os.environ, **self.environment, "GANFORGE_PORT": str(self.port)}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
        until(self.answers, 60, "the server's answer")

    def answers(self) -> bool:
        """Tell whether it answers."""
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        try:
            return httpx.get(f"{self.url}/healthz", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def workers(self) -> list[psutil.Process]:
        """Return its worker processes."""
        assert self.process is not None
        return psutil.Process(self.process.pid).children()

    def stop(self, how: int = signal.SIGTERM, patience: float = 60) -> None:
        """Ask it to stop, and wait."""
        if self.process is not None:
            if self.process.poll() is None:
                self.process.send_signal(how)
            self.process.wait(patience)
            self.process = None


@dataclass
class Line:
    """One event of a stream as it came: id, event and data. A comment has only `comment`."""

    id: str | None = None
    event: str | None = None
    data: Any = None
    comment: str | None = None
    retry: str | None = None
    fields: list[str] = field(default_factory=list)


def parse(lines: Iterator[str]) -> Iterator[Line]:
    """Yield what stands between the empty lines of a stream."""
    block = Line()
    for line in lines:
        if not line:
            if block.fields:
                yield block
            block = Line()
            continue
        name, _, value = line.partition(":")
        block.fields.append(name)
        if name == "data":
            block.data = json.loads(value)
        else:
            setattr(block, name or "comment", value.strip())


@contextmanager
def stream(url: str, key: str, last_id: str | None = None, session: str | None = None) -> Iterator[Iterator[Line]]:
    """Open a stream with a key, or with the session of a page; yield its events."""
    shown = {"Cookie": f"{COOKIE}={session}"} if session else {"Authorization": f"Bearer {key}"}
    headers = {**shown, "Accept": "text/event-stream"}
    if last_id is not None:
        headers["Last-Event-ID"] = last_id
    with httpx.stream("GET", url, headers=headers, timeout=60) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        yield parse(answer.iter_lines())
