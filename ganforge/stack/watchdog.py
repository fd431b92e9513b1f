"""The watchdog: a small process that outlives the stack's parent and stops what the parent left running.

It reads lines from a pipe whose other end only the parent holds. Each child writes its own line there before it
becomes what it is, so that no moment exists in which a child runs unknown. When the pipe closes, because the parent
has stopped everything or because it was killed, the watchdog stops every group that still runs, and ends.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

from ganforge.stack.shutdown import Group, find, stop_groups
from models.files import append_private

# The child writes its description to its standard input, which is the pipe, then becomes its command under the same id.
INTRODUCE = 'printf "%s %s\\n" "$$" "$0" >&0 && exec "$@" </dev/null'


class Watchdog:
    """The parent's side: the pipe and the process at its other end."""

    def __init__(self, log: Path, remove: Path, lock: IO[str]) -> None:
        """Start the watchdog. It holds `lock` until it ends, and then removes the file `remove`."""
        read, self.pipe = os.pipe()
        # A separate session keeps the stack's signals away: only the closing pipe ends the watchdog.
        with append_private(log) as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ganforge.stack.watchdog", str(remove)],
                stdin=read,
                stdout=output,
                stderr=output,
                start_new_session=True,
                pass_fds=(lock.fileno(),),
            )
        os.close(read)

    @property
    def pid(self) -> int:
        """The watchdog's process id."""
        return self._process.pid

    def alive(self) -> bool:
        """Return whether it is still running."""
        return self._process.poll() is None

    def close(self) -> None:
        """Close the pipe and wait until the watchdog has stopped everything."""
        os.close(self.pipe)
        self._process.wait()


def introduction(name: str, stop: int, grace: float, phase: int) -> str:
    """Return a child's description, which follows its process id."""
    return f"{name} {stop} {grace} {phase}"


def parse(line: str) -> Group:
    """Return the group that this line describes."""
    pid, name, stop, grace, phase = line.split()
    return Group(int(pid), find(int(pid)), name, int(stop), float(grace), int(phase))


def main() -> None:
    """Read descriptions until the pipe closes, then stop everything that still runs."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups = [parse(line) for line in sys.stdin]
    stop_groups(groups)
    Path(sys.argv[1]).unlink(missing_ok=True)


if __name__ == "__main__":
    main()
