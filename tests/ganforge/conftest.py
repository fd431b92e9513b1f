"""`ganforge` as a person runs it: as processes, on a home of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pytest

from ganforge.client import Client
from ganforge.stack.home import Home
from tests.conftest import ANY_DISK
from tests.waiting import until

START_S = 90.0
# For tests that start a stack each and ask little of it. Most want no training: a trainer started ahead would cost more
# than the rest; and a second process of the API reads the same code once more.
LEAN = {"GANFORGE_SPARE_TRAINER": "false", "GANFORGE_API_PROCESSES": "1"}


@dataclass
class Commands:
    """Runs `ganforge` on one home, with nothing of the caller's own settings."""

    home: Path
    checkout: Path = Path()  # where the code of the service lies; relative to the folder that the tests run in
    settings: dict[str, str] = field(default_factory=dict)
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("GANFORGE_")}
        # Threads of a trainer wait for each other at every product: beside other tests, two take longer than one.
        usual = {"GANFORGE_HOME": str(self.home), "GANFORGE_QUEUES": "cpu", "GANFORGE_THREADS": "1"}
        return {**own, **ANY_DISK, **usual, **self.settings}

    def __call__(
        self, *arguments: str, stdin: IO[bytes] | None = None, **settings: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "ganforge", *arguments],
            env={**self.environment, **settings},
            cwd=self.checkout,
            stdin=stdin,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def start(self, *arguments: str, **settings: str) -> subprocess.Popen[str]:
        """Start a command; it is ended with the test."""
        process = subprocess.Popen(
            [sys.executable, "-m", "ganforge", *arguments],
            env={**self.environment, **settings},
            cwd=self.checkout,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # Who starts the tests in the background makes them ignore Ctrl-C, and their children with them.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads hold locks here
        )
        self.running.append(process)
        return process

    def up(self, *options: str, **settings: str) -> subprocess.Popen[str]:
        """Start the stack and wait until it serves."""
        process = self.start("up", *options, **settings)
        until(lambda: process.poll() is not None or Home(self.home).read_stack(), START_S, "the stack's start")
        assert process.poll() is None, process.communicate()[0]
        return process

    def client(self) -> Client:
        """Return a client of the stack that runs here."""
        home = Home(self.home)
        stack = home.read_stack()
        assert stack is not None
        return Client(stack["api"], home.admin_key_file.read_text().strip())

    def close(self) -> None:
        for process in self.running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.running:
            process.communicate(timeout=60)


@pytest.fixture
def ganforge(tmp_path: Path) -> Iterator[Commands]:
    """Return the commands on a fresh home, where nothing runs."""
    commands = Commands(tmp_path / "home", settings=dict(LEAN))
    yield commands
    commands.close()


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    """Return the commands on a home where the stack runs, shared by all tests that only use it."""
    commands = Commands(tmp_path_factory.mktemp("running") / "home")
    try:
        commands.up()
        yield commands
    finally:
        commands.close()
