"""The service that is broken: the real local stack in a home of its own, whose parts can be ended and restarted."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import psutil
import redis
from sqlalchemy.exc import SQLAlchemyError

from ganforge.stack import processes
from ganforge.stack.child import Child
from ganforge.stack.devices import Seat
from ganforge.stack.home import Home
from ganforge.stack.ports import free_port
from ganforge.stack.services import Services
from models.webhooks import WebhookEvent, WebhookFormat
from stores.container import Stores, open_stores
from stores.infra.settings import Settings
from tests.conftest import ANY_DISK
from tests.receiver import Got, Receiver, receiving
from tests.waiting import until

T = TypeVar("T")

SUPERVISORS = ("worker-1", "worker-2")
SERVERS = {"broker": "valkey", "database": "postgres", "object store": "s3"}
BOOT_S = 90.0
# A trainer that is frozen for a while, one and a half leases, goes on; one that is frozen for longer has stalled.
STALL_LEASES = 3
STOP_S = 60.0  # beyond a part's grace: on a crowded machine it may still be starting


class World:
    """Every part by its name: `api`, `sweeper`, `worker-1`, `worker-2`, `broker`, `database`, `object store`."""

    def __init__(self, home: Path, lease_s: float) -> None:
        self.lease_s = lease_s
        self.services = Services(Home(home), durable=False)
        self.points = home / "points"
        self.port = free_port()
        # Objects without a row, which attempts that died have left and which the walk over all objects would remove.
        self.strays: set[str] = set()
        self.stores: Stores
        self.key = ""
        # Whoever is told of everything by a webhook; it refuses every other message when it first comes.
        self._open = ExitStack()
        self.receiver: Receiver

    @property
    def url(self) -> str:
        """Address of the API."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start everything and wait until it serves."""
        self.services.start()
        self.points.mkdir(exist_ok=True)
        setup = processes.setup(self.services.home, self._environment())
        self.services.run(setup)
        assert setup.wait(BOOT_S) == 0, setup.last_lines()
        del self.services.children[setup.name]
        self.key = self.services.home.admin_key_file.read_text().strip()
        names = ("database_url", "redis_url", "s3_url", "s3_access_key", "s3_secret_key", "s3_bucket")
        given = {name: self.services.environment()[f"GANFORGE_{name.upper()}"] for name in names}
        self.stores = open_stores(Settings(home=self.services.home.path, lease_s=self.lease_s, **given))
        self._tell_everything()
        for name in ("api", "sweeper", *SUPERVISORS):
            self.launch(name)
        self.await_supervisors()

    def _tell_everything(self) -> None:
        """Make a webhook for all events."""
        self.receiver = self._open.enter_context(receiving())
        known: dict[str, bool] = {}

        def answer(got: Got) -> tuple[int, dict[str, str], bytes]:
            refused = got.id not in known and len(known) % 2 == 1
            known[got.id] = True
            return (503 if refused else 204), {}, b""

        self.receiver.answer = answer
        who = self.stores.accounts.keys.authenticate(self.key)
        assert who is not None
        self.stores.webhooks.create(self.receiver.url(), list(WebhookEvent), {}, WebhookFormat.standard, who)

    def close(self) -> None:
        """Stop everything."""
        self.free()
        self._open.close()
        if hasattr(self, "stores"):
            self.stores.close()
        self.services.stop()

    def launch(self, name: str) -> None:
        """Start a part; a server is waited for."""
        env = self._environment()
        match name:
            case "broker" | "database" | "object store":
                self.services.restart(SERVERS[name])
            case "api":
                self.services.run(processes.api(self.services.home, env))
            case "sweeper" | "sweeper-2":
                child = processes.sweeper(self.services.home, env)
                child.name = name
                self.services.run(child)
            case _:
                self.services.run(processes.worker(self.services.home, env, Seat(name, "cpu", "cpu")))

    def child(self, name: str) -> Child:
        """Return a part."""
        return self.services.children[SERVERS.get(name, name)]

    def tree(self, name: str) -> list[psutil.Process]:
        """Return the processes of a part; a supervisor's trainers are parts of their own."""
        try:
            process = psutil.Process(self.child(name).pid)
            return [process] if name in SUPERVISORS else [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def kill(self, name: str) -> None:
        """End a part as a machine does that loses its power."""
        for process in self.tree(name):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.child(name).kill()

    def terminate(self, name: str) -> None:
        """Ask a part to end, as an operator does, and wait for it."""
        child = self.child(name)
        with suppress(psutil.NoSuchProcess):
            psutil.Process(child.pid).send_signal(child.signal)
        self.thaw(name)
        child.wait(child.grace + STOP_S)

    def freeze(self, name: str) -> None:
        """Let a part hang."""
        for process in self.tree(name):
            with suppress(psutil.NoSuchProcess):
                process.suspend()

    def thaw(self, name: str) -> None:
        """Let a part go on."""
        for process in self.tree(name):
            with suppress(psutil.NoSuchProcess):
                process.resume()

    def kill_everything(self) -> None:
        """End all parts at once, as a machine does that loses its power, and start them again."""
        parts = ("sweeper", "api", *SUPERVISORS, "broker", "object store", "database")
        for trainer in self.trainers():
            with suppress(psutil.NoSuchProcess):
                trainer.kill()
        for name in parts:
            self.kill(name)
        for name in reversed(parts):
            self.launch(name)

    def mend(self) -> None:
        """Let everything that hangs go on, and start whatever has ended."""
        self.free()
        for name in ("database", "broker", "object store", "api", "sweeper", *SUPERVISORS):
            self.thaw(name)
            if self.child(name).ended() is not None:
                self.launch(name)
        if "sweeper-2" in self.services.children:
            self.terminate("sweeper-2")
            del self.services.children["sweeper-2"]

    # -- points

    def arm(self, point: str, pids: list[int]) -> None:
        """Let the next process that reaches a point (of these, if any are named) stop there."""
        made = self.points / ".new"
        made.write_text(" ".join(map(str, pids)))
        made.rename(self.points / point)

    def halted(self, point: str) -> int | None:
        """Return the process that stands at a point."""
        for path in self.points.glob(f"{point}.*"):
            return int(path.suffix[1:])
        return None

    def free(self) -> None:
        """Disarm all points and let go whoever stands at one."""
        if not self.points.is_dir():
            return
        for path in self.points.iterdir():
            if path.suffix[1:].isdigit():
                resume(int(path.suffix[1:]))
            path.unlink(missing_ok=True)

    # -- looking

    def ask(self, question: Callable[[], T], patience: float = 30.0) -> T:
        """Ask the stores, past the faults that are under way."""
        deadline = time.monotonic() + patience
        while True:
            try:
                return question()
            except (SQLAlchemyError, redis.RedisError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def await_supervisors(self) -> None:
        """Wait until every supervisor has registered and the API answers from the same database."""

        def here() -> bool:
            for name in SUPERVISORS:
                assert self.child(name).ended() is None, f"{name}:\n{self.child(name).last_lines()}"
            live = {row["name"] for row in self.stores.queries.jobs.workers(self.lease_s) if row["state"] == "live"}
            return live >= set(SUPERVISORS) and self._registered()

        until(lambda: self.ask(here), BOOT_S, "the supervisors")

    def holder(self, job_id: str) -> str | None:
        """Return the supervisor that runs a job."""
        query = "SELECT w.pid FROM jobs j JOIN workers w ON w.id = j.worker_id WHERE j.id = %s"
        pid = self.ask(lambda: self.scalar(query, job_id))
        return next((name for name in SUPERVISORS if self.child(name).pid == pid), None)

    def scalar(self, query: str, *values: object) -> object:
        """Return one value from the database."""
        with self.stores.infra.engine.connect() as connection:
            return connection.exec_driver_sql(query, values).scalar()

    def trainers(self) -> list[psutil.Process]:
        """Return every trainer of this home, whoever started it."""
        return list(self._trainers())

    def flush(self) -> None:
        """Let the broker forget everything."""
        with redis.Redis.from_url(self.services.redis_url) as client:
            client.flushall()

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Let the object store answer and refuse to write, for as long as the block runs."""
        self.kill("object store")
        child = self.child("object store")
        reading = Child(child.name, [*child.command[:-1], "--read-only", child.command[-1]], child.env, child.log)
        reading.phase, reading.folder = child.phase, child.folder
        self.services.run(reading)
        try:
            yield
        finally:
            self.kill("object store")
            self.launch("object store")

    def _trainers(self) -> Iterator[psutil.Process]:
        home = str(self.services.home.path)
        for process in psutil.process_iter():
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                if process.cmdline()[1:] == ["-m", "trainers"] and process.environ().get("GANFORGE_HOME") == home:
                    yield process

    def _registered(self) -> bool:
        query = "SELECT count(*) FROM workers WHERE stopped_at IS NULL AND pid = ANY(%s)"
        return self.scalar(query, [self.child(name).pid for name in SUPERVISORS]) == len(SUPERVISORS)

    def _environment(self) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("GANFORGE_")}
        return {
            **own,
            **ANY_DISK,
            **self.services.environment(),
            "GANFORGE_HOST": "127.0.0.1",
            "GANFORGE_PORT": str(self.port),
            "GANFORGE_LEASE_S": str(self.lease_s),
            "GANFORGE_RENEW_S": str(self.lease_s / 6),
            "GANFORGE_SWEEP_S": "0.2",
            "GANFORGE_STALL_S": str(STALL_LEASES * self.lease_s),
            "GANFORGE_CHORE_S": "0.3",
            "GANFORGE_WEBHOOK_PRIVATE": "1",
            "GANFORGE_THREADS": "1",
            "GANFORGE_HALT_AT": str(self.points),
            "PYTHONUNBUFFERED": "1",
        }


def resume(pid: int) -> None:
    """Let one process go on, if it is still there."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)
