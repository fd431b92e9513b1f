"""One child process of the stack."""

from __future__ import annotations

import os
import signal
import subprocess
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ganforge.stack.shutdown import Group, find
from ganforge.stack.watchdog import INTRODUCE, Watchdog, introduction
from models.files import PRIVATE_UMASK, append_private

# The order of stopping: processes that hand out work, processes that use the servers, the servers.
WORKERS, USERS, SERVERS = 0, 1, 2
# A log beyond this size is rotated at the next start; one old log is kept.
LOG_BYTES = 10_000_000


@dataclass
class Child:
    """A command with its environment, its log, and the way to stop it (see `Group`)."""

    name: str
    command: list[str]
    env: dict[str, str]
    log: Path
    signal: int = signal.SIGTERM
    grace: float = 10.0
    phase: int = USERS
    folder: Path | None = None
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)
    _group: Group | None = field(default=None, init=False, repr=False)
    _log_start: int = field(default=0, init=False, repr=False)

    def start(self, watchdog: Watchdog) -> None:
        """Start it in its own session, after reporting it to the watchdog."""
        introduce = introduction(self.name, self.signal, self.grace, self.phase)
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        with append_private(self.log) as output:
            self._log_start = output.tell()
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", INTRODUCE, introduce, *self.command],
                stdin=watchdog.pipe,
                stdout=output,
                stderr=output,
                env=self.env,
                cwd=self.folder,
                start_new_session=True,
                umask=PRIVATE_UMASK,
            )
        pid = self._process.pid
        self._group = Group(pid, find(pid), self.name, self.signal, self.grace, self.phase)

    @property
    def pid(self) -> int | None:
        """Its process id, once started."""
        return self._process.pid if self._process else None

    @property
    def group(self) -> Group | None:
        """What `stop_groups` needs to know, once started."""
        return self._group

    def ended(self) -> int | None:
        """Return the exit code (negative: the signal) once it has ended, else None."""
        return self._process.poll() if self._process else None

    def kill(self) -> None:
        """Send SIGKILL, as a crash would, and wait for its end."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def wait(self, timeout: float) -> int:
        """Wait for its end and return the exit code.

        Raises:
            subprocess.TimeoutExpired: it still runs.
        """
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process.wait(timeout)

    def reap(self) -> None:
        """Collect the exit code of a stopped child, which may arrive a moment after its last sign of life."""
        if self._process:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(5)

    def last_lines(self, count: int = 15) -> str:
        """Return the last log lines of this run."""
        with self.log.open("rb") as log:
            log.seek(max(self._log_start, os.fstat(log.fileno()).st_size - 64 * 1024))
            lines = deque(log.read().decode(errors="replace").splitlines(), count)
        return "\n".join(f"  {line}" for line in lines) or "  (it logged nothing)"

    def how_it_ended(self) -> str:
        """Return its exit code or signal in words."""
        code = self.ended()
        if code is None:
            return "is still running"
        if code < 0:
            return f"was ended by {signal.Signals(-code).name}"
        return f"ended with exit code {code}"
