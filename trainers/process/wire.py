"""The wire to the supervisor: commands in on standard input, JSON lines out on a private copy of standard output."""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from typing import TYPE_CHECKING

from models import wire
from models.messages import Logs
from models.typed_json import JSONTypeError
from trainers.process.reporter import Reporter

if TYPE_CHECKING:
    from models.wire import FromTrainer, Phase

# The exit code when nobody is left to read anything else.
SUPERVISOR_GONE = 3
_SIGN_EVERY_S = 1.0


class Wire(Reporter):
    """Writes each message as one line. Whole lines only, whichever thread writes."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._phase: Phase | None = None
        self._next_sign = 0.0

    def alive(self, phase: Phase, step: int | None = None) -> None:
        """Write a sign of life: at once in a new phase, else once a second."""
        now = time.monotonic()
        if phase == self._phase and now < self._next_sign:
            return
        self._phase, self._next_sign = phase, now + _SIGN_EVERY_S
        self.send(wire.Alive(phase, step))

    def send(self, message: FromTrainer) -> None:
        """Write one line; a supervisor that no longer reads is gone, and so is this process then."""
        line = memoryview((wire.write(message) + "\n").encode())
        with self._lock:
            try:
                while line:
                    line = line[os.write(self._fd, line) :]
            except BrokenPipeError:
                os._exit(SUPERVISOR_GONE)

    def should_stop(self) -> bool:
        """Tell whether `stop` came, or a signal."""
        return self._stop.is_set()

    def ask_to_stop(self) -> None:
        """Let the step in hand be the last. Safe in a signal handler."""
        self._stop.set()


def take_over_stdout() -> int:
    """Return a private copy of standard output; what anything else prints goes to standard error from now on."""
    private = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return private


class Commands:
    """Reads standard input in a thread of its own, so that a command is heard while torch computes."""

    def __init__(self, sender: Wire) -> None:
        self._wire = sender
        self._spec: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, name="commands", daemon=True).start()

    def spec(self) -> str | None:
        """Wait for the first line; None if asked to stop before it came."""
        return self._spec.get()

    def stop(self) -> None:
        """Stop, also while waiting for the spec. Safe in a signal handler."""
        self._wire.ask_to_stop()
        self._spec.put(None)

    def _read(self) -> None:
        waiting = True
        for line in sys.stdin.buffer:
            text = line.decode(errors="replace").strip()
            if not text:
                continue
            if _is_stop(text):
                self.stop()
            elif waiting:
                self._spec.put(text)
                waiting = False
            else:
                self._wire.log("warning", Logs.unknown_command(text=text[:100]))
        # End of file: the supervisor is gone, and nobody wants the rest of this.
        os._exit(SUPERVISOR_GONE)


def _is_stop(text: str) -> bool:
    try:
        return isinstance(wire.read_command(text), wire.Stop)
    except JSONTypeError:
        return False
