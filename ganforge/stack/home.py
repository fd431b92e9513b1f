"""GANFORGE_HOME: the folder for data, logs, secrets and addresses, with a lock that allows one stack at a time."""

from __future__ import annotations

import fcntl
import hmac
import json
import os
import secrets
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import psutil

from ganforge.errors import GanforgeError, HomeBusyError, StackError
from models.files import WRITTEN_BY_THE_SERVICE, append_private, close_to_others, write_private

# The watchdog of a killed stack stops its children, which takes at most as long as a warm shutdown of the workers.
TAKE_OVER_S = 45.0
# What the local stack writes here. PostgreSQL keeps its own folder closed, and refuses one that isn't.
WRITTEN_HERE = (*WRITTEN_BY_THE_SERVICE, "lock", "logs", "s3", "s3.cache", "stack.json")


@dataclass(frozen=True)
class Credentials:
    """Random secrets of the local servers, generated at the first start."""

    postgres: str
    redis: str
    s3_access_key: str
    s3_secret_key: str

    @property
    def postgres_service(self) -> str:
        """Password of the service's role. It follows from the superuser's, `postgres`, and does not give that away.

        Earlier versions refuse a file with more secrets than they know, and a home must still open after a downgrade.
        """
        return hmac.new(self.postgres.encode(), b"ganforge_service", "sha256").hexdigest()


class Home:
    """The folder of one local stack. `prepare` creates it."""

    def __init__(self, path: Path) -> None:
        try:
            self.path = path.expanduser().absolute()
        except (OSError, RuntimeError) as error:  # the current folder is gone, or ~name is nobody
            raise StackError(f"GANFORGE_HOME {path} can't be used: {error}") from error
        self.logs = self.path / "logs"
        self.stack_file = self.path / "stack.json"
        self.admin_key_file = self.path / "admin.key"
        self._credentials_file = self.path / "credentials.json"
        self._lock_file = self.path / "lock"

    def prepare(self) -> None:
        """Create the folders, and close them to other users, also those of earlier versions.

        Raises:
            StackError: the folder can't be made or written.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.logs.mkdir(mode=0o700, exist_ok=True)
            close_to_others(self.path, WRITTEN_HERE)
        except OSError as error:
            raise StackError(f"GANFORGE_HOME {self.path} can't be used: {error.strerror or error}") from error

    def log(self, name: str) -> Path:
        """Return the log file of a process."""
        return self.logs / f"{name}.log"

    def lock(self) -> IO[str]:
        """Acquire and return the lock. It is released when every process that inherited it has closed it.

        The watchdog inherits this lock and keeps it when the stack is killed, and the file names the holder. The locks
        of `filelock`, which serve everywhere else, cannot be inherited, hence `fcntl`.

        Raises:
            HomeBusyError: another stack runs here.
        """
        append_private(self._lock_file).close()
        file = self._lock_file.open("a+")
        deadline = time.monotonic() + TAKE_OVER_S
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                holder = file.read().strip()
                # The holder is dead and its watchdog is still stopping its children: the home is free soon.
                if holder.isdigit() and not psutil.pid_exists(int(holder)) and time.monotonic() < deadline:
                    time.sleep(0.1)
                    continue
                file.close()
                raise HomeBusyError(
                    f"a stack already runs on {self.path}{self._address()} (process {holder or 'unknown'}): use that "
                    "one, stop it, or set GANFORGE_HOME to another folder"
                ) from None
            file.seek(0)
            file.truncate()
            file.write(f"{os.getpid()}\n")
            file.flush()
            return file

    def _address(self) -> str:
        stack = self.read_stack()
        return "" if stack is None else f", at {stack['api']}"

    def credentials(self) -> Credentials:
        """Return the secrets. The first call generates them and stores them readable by their owner only."""
        if self._credentials_file.exists():
            try:
                return Credentials(**json.loads(self._credentials_file.read_text()))
            except (ValueError, TypeError) as error:
                raise StackError(
                    f"{self._credentials_file} is damaged; put it back, or remove {self.path} to start without data"
                ) from error
        made = Credentials(
            postgres=secrets.token_urlsafe(24),
            redis=secrets.token_urlsafe(24),
            s3_access_key=secrets.token_hex(10),
            s3_secret_key=secrets.token_hex(20),
        )
        write_private(self._credentials_file, json.dumps(asdict(made)))
        return made

    def admin_key(self) -> str:
        """Return the admin key, which the service's setup writes.

        Raises:
            GanforgeError: its file can't be read.
        """
        try:
            return self.admin_key_file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise GanforgeError(f"{self.admin_key_file} can't be read ({reason}): set GANFORGE_API_KEY") from None

    def write_stack(self, content: dict[str, Any]) -> None:
        """Write the stack's addresses for other commands; never secrets."""
        write_private(self.stack_file, json.dumps(content, indent=2) + "\n")

    def read_stack(self) -> dict[str, Any] | None:
        """Return the addresses of the running stack, or None when none runs.

        Raises:
            StackError: its file can't be read.
        """
        try:
            content = json.loads(self.stack_file.read_text())
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None
        except OSError as error:
            raise StackError(f"{self.stack_file} can't be read ({error.strerror})") from error
        return content if isinstance(content, dict) and "api" in content else None
