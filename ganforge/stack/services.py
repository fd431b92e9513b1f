"""The running servers of one home: database, broker and object store."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import IO, Self

from ganforge.errors import StackError
from ganforge.stack.child import SERVERS, Child
from ganforge.stack.home import Home
from ganforge.stack.ports import LOOPBACK, free_port
from ganforge.stack.servers import DATABASE, S3, SERVICE, SUPERUSER, Postgres, Server, Valkey
from ganforge.stack.shutdown import stop_groups
from ganforge.stack.watchdog import Watchdog
from migrations.database_role import libpq_url
from models.libpq import forget_libpq_variables

READY_S = 60.0
BUCKET = "ganforge"


class Services:
    """Starts the servers, gives their addresses, and stops them. A context manager, used by the stack and by tests.

    `durable=False` lets PostgreSQL skip fsync: right for tests, whose data may go when the machine's power does.
    """

    def __init__(self, home: Home, *, durable: bool = True) -> None:
        self.home = home
        self.durable = durable
        self.children: dict[str, Child] = {}
        self.ports: dict[str, int] = {}
        self._servers: dict[str, Server] = {}
        self._lock: IO[str] | None = None
        self.watchdog: Watchdog | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def claim(self) -> IO[str]:
        """Take the home, so that nothing else starts on it until `stop`; return its lock.

        Raises:
            HomeBusyError: another stack uses this home.
        """
        if self._lock is None:
            self.home.prepare()
            self._lock = self.home.lock()
        return self._lock

    def start(self, stopping: Callable[[], bool] = lambda: False) -> None:
        """Start all servers and wait until each answers. `stopping` is called meanwhile and can end the wait.

        Raises:
            HomeBusyError: another stack uses this home.
            StackError: a server did not start; its last log lines are in the text. Everything is stopped again.
        """
        lock = self.claim()
        forget_libpq_variables()
        try:
            self.home.stack_file.unlink(missing_ok=True)
            self.watchdog = Watchdog(self.home.log("watchdog"), self.home.stack_file, lock)
            credentials = self.home.credentials()
            for kind in (Postgres, Valkey, S3):
                server = kind(self.home, credentials, durable=self.durable)
                self._servers[server.name] = server
                server.prepare(self._run_to_end)
                self._launch(server)
            for name in self._servers:
                self._await(name, stopping)
        except BaseException:
            self.stop()
            raise

    def stop(self, hurry: Callable[[], bool] = lambda: False) -> None:
        """Stop every child, including those added with `run`, in order, and release the home."""
        stop_groups([child.group for child in self.children.values() if child.group], hurry)
        for child in self.children.values():
            child.reap()
        if self.watchdog:
            self.watchdog.close()
            self.watchdog = None
        if self._lock:
            # Only the holder of the home's lock may remove this file.
            self.home.stack_file.unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def run(self, child: Child) -> None:
        """Start another child, which stops with the rest."""
        if self.watchdog is None:
            raise StackError("the servers are not running")
        self.children[child.name] = child
        child.start(self.watchdog)

    def kill(self, name: str) -> None:
        """Kill a server, as a crash would."""
        self.children[name].kill()

    def restart(self, name: str) -> None:
        """Restart an ended server on the same port and data, and wait until it answers."""
        server = self._servers[name]
        server.prepare(self._run_to_end)
        self._launch(server, self.ports[name])
        self._await(name, lambda: False)

    @property
    def database_url(self) -> str:
        """SQLAlchemy's address of the database."""
        return self.database_url_for(DATABASE)

    def database_url_for(self, database: str) -> str:
        """Return SQLAlchemy's address of any database of this server, for the service's ordinary role."""
        return self._postgres_url(SERVICE, self.home.credentials().postgres_service, database)

    def admin_dsn_for(self, database: str) -> str:
        """Return libpq's address of any database of this server, for the superuser: nothing of the service gets it."""
        url = self._postgres_url(SUPERUSER, self.home.credentials().postgres, database)
        return libpq_url(url)

    def _postgres_url(self, role: str, password: str, database: str) -> str:
        return f"postgresql+psycopg://{role}:{password}@{LOOPBACK}:{self.ports['postgres']}/{database}"

    @property
    def redis_url(self) -> str:
        """Address of the broker, without the number of a database."""
        return f"redis://:{self.home.credentials().redis}@{LOOPBACK}:{self.ports['valkey']}"

    @property
    def s3_url(self) -> str:
        """Address of the object store."""
        return f"http://{LOOPBACK}:{self.ports['s3']}"

    def environment(self) -> dict[str, str]:
        """Return the settings that point the service to these servers."""
        credentials = self.home.credentials()
        return {
            "GANFORGE_HOME": str(self.home.path),
            "GANFORGE_DATABASE_URL": self.database_url,
            "GANFORGE_REDIS_URL": f"{self.redis_url}/0",
            "GANFORGE_S3_URL": self.s3_url,
            "GANFORGE_S3_PUBLIC_URL": self.s3_url,
            "GANFORGE_S3_ACCESS_KEY": credentials.s3_access_key,
            "GANFORGE_S3_SECRET_KEY": credentials.s3_secret_key,
            "GANFORGE_S3_BUCKET": BUCKET,
        }

    def _run_to_end(self, name: str, command: list[str]) -> None:
        child = Child(name=name, command=command, env=self._child_environment(), log=self.home.log(name))
        self.run(child)
        with suppress(subprocess.TimeoutExpired):
            child.wait(READY_S)
        if child.ended() == 0:
            del self.children[name]
        else:
            raise StackError(f"{name} {child.how_it_ended()}. Its last log lines:\n{child.last_lines()}")

    def _child_environment(self) -> dict[str, str]:
        """The caller's environment without variables that would change the servers' behaviour."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "RCLONE_"))}
        return {**kept, "LANG": "C.UTF-8", "GANFORGE_HOME": str(self.home.path)}

    def _launch(self, server: Server, port: int | None = None) -> None:
        self.ports[server.name] = port or free_port()
        self.run(
            Child(
                name=server.name,
                command=server.command(self.ports[server.name]),
                env={**self._child_environment(), **server.env()},
                log=self.home.log(server.name),
                signal=server.signal,
                grace=server.grace,
                phase=SERVERS,
            )
        )

    def _await(self, name: str, stopping: Callable[[], bool]) -> None:
        deadline = time.monotonic() + READY_S
        relaunches = 0
        while not stopping():
            child, server = self.children[name], self._servers[name]
            if child.ended() is not None:
                # Another program may have taken the port between finding it and listening on it.
                if "in use" in child.last_lines() and relaunches < 3:
                    relaunches += 1
                    self._launch(server)
                    continue
                raise StackError(f"{name} {child.how_it_ended()}. Its last log lines:\n{child.last_lines()}")
            if server.ready(self.ports[name]):
                return
            if time.monotonic() > deadline:
                raise StackError(f"{name} did not answer within {READY_S:.0f} s. Its log:\n{child.last_lines()}")
            time.sleep(0.03)
