"""The whole service on one machine: the servers, then the service's processes, supervised until a signal stops them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx

from ganforge.errors import StackError, StoppedError
from ganforge.stack import processes
from ganforge.stack.child import Child
from ganforge.stack.devices import Seat, seats
from ganforge.stack.home import Home
from ganforge.stack.ports import is_loopback
from ganforge.stack.services import Services
from ganforge.stack.settings import DEFAULT_PORT, StackSettings
from ganforge.stack.signals import Signals

# A small board's first start and the upgrade of a full database take minutes; a part that ends is noticed at once.
READY_S = 600.0


class Stack:
    """One running service. `say` gets a line for each step."""

    def __init__(self, settings: StackSettings, signals: Signals, say: Callable[[str], None]) -> None:
        self.settings = settings
        self.home = Home(settings.home)
        self.services = Services(self.home)
        self.port = 0
        self.seats: list[Seat] = []
        self._signals = signals
        self._say = say
        self._started_at = datetime.now(UTC)

    @property
    def url(self) -> str:
        """Address of the API."""
        return f"http://{self.settings.host}:{self.port}"

    def start(self) -> None:
        """Start everything and wait until it serves.

        Raises:
            StackError: a part did not start; it is named, with its last log lines. Everything is stopped again.
            StoppedError: a signal came meanwhile. Everything is stopped again.
        """
        self.seats = seats(self.settings.queues)
        try:
            # First: a stack that runs here already may be what holds the port.
            self.services.claim()
            # Checked here so that a taken port is reported at once; the API binds the port when it starts.
            self.settings.choose_port()
            self.services.start(self._signals.stopping)
            self._check_stop()
            self._run_setup()
            self._launch_api()
            env = self._environment()
            self.services.run(processes.sweeper(self.home, env))
            for seat in self.seats:
                self.services.run(processes.worker(self.home, env, seat))
            self._await("the service", self._serves, sees_to="api")
            self.home.write_stack(self._description())
        except StackError:
            # A signal that reached a child first looks like a failure of that child.
            self.stop()
            self._check_stop()
            raise
        except BaseException:
            self.stop()
            raise

    def watch(self) -> None:
        """Return when a signal arrives.

        Raises:
            StackError: a part has ended by itself; it is named, with its last log lines.
        """
        while not self._signals.stopping():
            self.check()
            time.sleep(0.1)

    def check(self, but: str = "") -> None:
        """Raise StackError if a process, other than `but`, has ended by itself; see `watch`."""
        for child in self.services.children.values():
            if child.name != but and child.ended() is not None:
                raise StackError(_obituary(child))
        if self.services.watchdog is not None and not self.services.watchdog.alive():
            raise StackError("the watchdog has ended, so nothing would stop the other processes after a crash")

    def stop(self) -> None:
        """Stop everything in order. Another signal speeds this up."""
        self.services.stop(self._signals.hurry)

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            **self.services.environment(),
            "GANFORGE_HOST": self.settings.host,
            "GANFORGE_PORT": str(self.port),
            # The object store listens on the loopback interface alone.
            "GANFORGE_S3_LINKS": str(is_loopback(self.settings.host)),
            "GANFORGE_DATA_ROOTS": self.settings.data_roots,
            "PYTHONUNBUFFERED": "1",
        }

    def _run_setup(self) -> None:
        self._say("Preparing the database")
        child = processes.setup(self.home, self._environment())
        self.services.run(child)
        self._await("the preparation of the database", lambda: child.ended() is not None, sees_to="setup")
        if child.ended() != 0:
            raise StackError(_obituary(child))
        del self.services.children[child.name]

    def _await(self, what: str, ready: Callable[[], bool], *, sees_to: str) -> None:
        """Wait for a condition, which handles the end of the child named `sees_to` itself."""
        deadline = time.monotonic() + READY_S
        while not ready():
            self._check_stop()
            self.check(but=sees_to)
            if time.monotonic() > deadline:
                raise StackError(f"{what} was not ready within {READY_S:.0f} s; see the logs in {self.home.logs}")
            time.sleep(0.1)
        self._check_stop()

    def _check_stop(self) -> None:
        if self._signals.stopping():
            raise StoppedError("stopped before everything had started")

    def _launch_api(self) -> Child:
        self.port = self.settings.choose_port()
        if self.settings.port is None and self.port != DEFAULT_PORT:
            self._say(f"Port {DEFAULT_PORT} is taken by another program; using {self.port}")
        child = processes.api(self.home, self._environment())
        self.services.run(child)
        return child

    def _serves(self) -> bool:
        """Return whether the API answers and every worker has registered.

        The request carries the key: another program on the port may be another stack's API.
        """
        api = self.services.children["api"]
        # Another program may have taken the port since; unless the user chose the port, the next one is tried.
        if api.ended() is not None and self.settings.port is None and "in use" in api.last_lines():
            api = self._launch_api()
        if api.ended() is not None:
            raise StackError(_obituary(api))
        key = self.home.admin_key()
        listed = self._get("/v1/workers?limit=100", key)
        if listed is None or self._get("/readyz") is None:
            return False
        # Rows of an earlier run may look alive for a moment, so only workers that started after this run count.
        ours = {
            worker["name"]
            for worker in listed["data"]
            if worker["state"] == "live" and datetime.fromisoformat(worker["started_at"]) >= self._started_at
        }
        return all(seat.name in ours for seat in self.seats)

    def _get(self, path: str, key: str = "") -> dict[str, Any] | None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        try:
            # Local addresses must not go through a proxy from the environment.
            answer = httpx.get(self.url + path, headers=headers, timeout=3, trust_env=False)
            body: dict[str, Any] | None = answer.json() if answer.status_code == httpx.codes.OK else None
        except (httpx.HTTPError, ValueError):
            return None
        return body

    def _description(self) -> dict[str, Any]:
        ports = self.services.ports
        return {
            "api": self.url,
            "s3": self.services.s3_url,
            "postgres": f"127.0.0.1:{ports['postgres']}",
            "redis": f"127.0.0.1:{ports['valkey']}",
            "home": str(self.home.path),
            "admin_key": str(self.home.admin_key_file),
            "logs": str(self.home.logs),
            "queues": [seat.queue for seat in self.seats],
            "started_at": self._started_at.isoformat(),
            "pid": os.getpid(),
            "processes": {child.name: child.pid for child in self.services.children.values() if child.ended() is None},
        }


def _obituary(child: Child) -> str:
    return f"{child.name} {child.how_it_ended()}. Its last log lines ({child.log}):\n{child.last_lines()}"
