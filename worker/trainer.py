"""A trainer process as its supervisor handles it: start, messages both ways, end (docs/05-trainer-protocol.md)."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import structlog

from models import memory, wire
from models.stalls import DUMP_SIGNAL
from models.typed_json import JSONTypeError
from worker.device import Device
from worker.log_lines import LineCutter

log = structlog.get_logger(__name__)

LOG_LINES = 200
# How often the memory of a trainer is measured. It changes quickly while torch is imported, and slowly later.
LOOK_WHILE_IMPORTING_S, LOOK_S = 0.05, 0.5
# A trainer that died this close to its limit is taken to have died of it: memory grows between two measurements.
CLOSE_SHARE = 0.1
# How long a trainer has to write what its threads are doing, and how long it is silent when it has.
DUMP_S, DUMPED_S = 2.0, 0.2
# How long a killed process may take to end. One that waits in the kernel for a disk or a device may take for ever.
DEATH_S = 10.0
# Lines of the log that wait for its work to begin.
EARLY_LINES = 10_000
# Bytes of the log that are read at once.
READ_BYTES = 1 << 16
# How long the lines that a trainer wrote before its last message are waited for.
SETTLE_S = 2.0


@dataclass(frozen=True)
class Unreadable:
    """A line that is not a valid message of models/wire.py; `detail` gives the reason."""

    detail: str


@dataclass(frozen=True)
class Exited:
    """The process has ended, with this exit code or, if it is negative, by this signal."""

    code: int


News = wire.FromTrainer | Unreadable | Exited


class Trainer:
    """One `python -m trainers`, in a session of its own, so that it can be ended together with its children.

    It starts at once and imports torch; `begin` gives it its work. A thread passes its messages to the `listener`, in
    order. The last one is `Exited`.
    """

    def __init__(self, device: Device, python: str | None) -> None:
        environment = device.environment()
        if python is not None:
            # Another Python does not have this package installed, so it runs from the source folder.
            environment["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent)
        self._process = subprocess.Popen(
            [*device.courtesy, python or sys.executable, "-m", "trainers"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        self.pid = self._process.pid
        self.ready = threading.Event()
        self.units: bool | None = None  # as it has measured them, once it is ready
        self._tail: deque[str] = deque(maxlen=LOG_LINES)
        self._lines = 0  # all lines of its log, those that are no longer kept as well
        self._early: deque[str] = deque(maxlen=EARLY_LINES)  # until somebody takes them
        self._sink: Callable[[Sequence[str]], None] | None = None
        self._log_lock = threading.Lock()
        self._tightest: memory.Room | None = None
        self._ended = threading.Event()
        self._held: list[News] = []
        self._listener: Callable[[News], None] | None = None
        self._lock = threading.Lock()
        self._stderr = threading.Thread(target=self._read_log, name=f"trainer-log-{self.pid}", daemon=True)
        self._stdout = threading.Thread(target=self._read_messages, name=f"trainer-{self.pid}", daemon=True)
        self._stderr.start()
        self._stdout.start()
        threading.Thread(target=self._watch_memory, name=f"trainer-memory-{self.pid}", daemon=True).start()

    @property
    def ran_out_of_memory(self) -> bool:
        """Whether its memory limit explains its death: it came close, or the limit is below what torch itself needs."""
        if (room := self._tightest) is None:
            return False
        if not self.ready.is_set() and room.allowed < memory.IMPORT_BYTES:
            return True
        return room.left < max(memory.CLOSE_BYTES, CLOSE_SHARE * room.allowed)

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def begin(
        self, spec: wire.Spec, listener: Callable[[News], None], sink: Callable[[Sequence[str]], None] | None = None
    ) -> None:
        """Send the work. Earlier and later messages go to `listener`, the lines of its log to `sink`."""
        with self._log_lock:
            self._sink = sink
            if sink is not None:
                sink(list(self._early))
            self._early.clear()
        with self._lock:
            self._listener = listener
            for message in self._held:
                listener(message)
            self._held.clear()
        self._say(spec)

    def stop(self) -> None:
        """Request a checkpoint after the current step, and the end."""
        self._say(wire.Stop())

    def kill(self) -> None:
        """End the process and its children at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def dump_stacks(self) -> list[str]:
        """Let the process write the stacks of all its threads into its log, and return these lines.

        None come from a process that is stopped, or that the kernel does not let go, and after two seconds the rest is
        not waited for.
        """
        before = self._lines
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, DUMP_SIGNAL)
        deadline = time.monotonic() + DUMP_S
        seen, changed = before, time.monotonic()
        while (now := time.monotonic()) < deadline and not (seen > before and now - changed > DUMPED_S):
            self._ended.wait(DUMPED_S / 4)
            if self._lines != seen:
                seen, changed = self._lines, time.monotonic()
        return self.last_lines(self._lines - before) if self._lines > before else []

    def close(self) -> None:
        """End the process if it still runs, and close its pipes."""
        self.kill()
        try:
            self._process.wait(DEATH_S)
        except subprocess.TimeoutExpired:
            # It waits in the kernel for a disk or a device, and dies when that answers.
            log.error("trainer_does_not_die", pid=self.pid)
            return
        for thread in (self._stdout, self._stderr):
            thread.join(timeout=5)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def settle_log(self) -> None:
        """Wait until all lines are read that it has written so far, but not for long: it may go on writing."""
        pipe, deadline = self._process.stderr, time.monotonic() + SETTLE_S
        assert pipe is not None  # noqa: S101 - asked for above
        while time.monotonic() < deadline:
            with self._log_lock:
                if not self._stderr.is_alive() or not _readable(pipe, 0.0):
                    return
            time.sleep(0.001)

    def last_lines(self, count: int) -> list[str]:
        """Return the last lines of its log."""
        return list(self._tail)[-count:]

    def _say(self, message: wire.ToTrainer) -> None:
        pipe = self._process.stdin
        assert pipe is not None  # noqa: S101 - asked for above
        try:
            pipe.write(wire.write(message).encode() + b"\n")
            pipe.flush()
        except (BrokenPipeError, ValueError):
            # It has ended; `Exited` follows.
            log.info("trainer_gone", pid=self.pid)

    def _read_messages(self) -> None:
        pipe = self._process.stdout
        assert pipe is not None  # noqa: S101 - asked for above
        for line in pipe:
            # Messages are whole lines. Anything else is output of a library, or was cut off when the trainer died.
            if not (line.startswith(b"{") and line.endswith(b"\n")):
                self._log_line(line)
                continue
            news = _read(line)
            if isinstance(news, wire.Ready):
                self.units = news.units
                self.ready.set()
            elif isinstance(news, Unreadable):
                log.error("trainer_message_unreadable", pid=self.pid, detail=news.detail)
                self._log_line(line)
            self._deliver(news)
        code = self._process.wait()
        self._ended.set()
        self._stderr.join(timeout=5)
        self._deliver(Exited(code))

    def _deliver(self, news: News) -> None:
        with self._lock:
            if self._listener is None:
                self._held.append(news)
            else:
                self._listener(news)

    def _watch_memory(self) -> None:
        """Record how close it comes to its memory limit: after its death the kernel no longer reports that."""
        while not self._ended.is_set():
            room = memory.room(self.pid)
            if room is not None and (self._tightest is None or room.left < self._tightest.left):
                self._tightest = room
            self._ended.wait(LOOK_S if self.ready.is_set() else LOOK_WHILE_IMPORTING_S)

    def _read_log(self) -> None:
        pipe = self._process.stderr
        assert pipe is not None  # noqa: S101 - asked for above
        cutter = LineCutter()
        while _readable(pipe, None):
            # Whoever holds the lock and finds nothing to read knows that all before is in the log.
            with self._log_lock:
                if pipe.closed:
                    return
                data = os.read(pipe.fileno(), READ_BYTES)
                self._keep(cutter.lines(data) if data else cutter.end())
            if not data:
                return

    def _log_line(self, line: bytes) -> None:
        cutter = LineCutter()
        with self._log_lock:
            self._keep([*cutter.lines(line), *cutter.end()])

    def _keep(self, lines: list[str]) -> None:
        self._tail.extend(lines)
        self._lines += len(lines)
        if self._sink is None:
            self._early.extend(lines)
        else:
            self._sink(lines)


def _readable(pipe: IO[bytes], timeout: float | None) -> bool:
    """Return whether a read returns at once, with bytes or with the end; wait for it up to `timeout` seconds."""
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    return bool(poll.poll(None if timeout is None else timeout * 1000))


def _read(line: bytes) -> wire.FromTrainer | Unreadable:
    try:
        return wire.read_message(line)
    except JSONTypeError as error:
        return Unreadable(str(error))


class Spare:
    """The next trainer, started ahead of time, so that no job waits for the import of torch. Disabled on small boards.

    No trainer waits while another one works: the memory belongs to the job. Safe to use from several threads.
    """

    def __init__(self, device: Device, python: str | None, *, ahead: bool) -> None:
        self._device = device
        self._python = python
        self._ahead = ahead
        self._lock = threading.Lock()
        self._lent = False
        self._trainer: Trainer | None = None
        self._units: bool | None = None

    @property
    def units(self) -> bool | None:
        """Whether the processor has units for bfloat16, as a trainer has measured.

        Before the first one is ready it counts as having none; None if none is started ahead of time.
        """
        with self._lock:
            if self._units is None and self._trainer is not None:
                self._units = self._trainer.units
            return self._units if self._units is not None or not self._ahead else False

    def prepare(self) -> None:
        """Start a trainer if none waits and none works; replace a waiting one that has died."""
        with self._lock:
            if not self._ahead or self._lent:
                return
            if self._trainer is not None and not self._trainer.alive:
                log.warning("spare_trainer_died", pid=self._trainer.pid, log=self._trainer.last_lines(5))
                self._trainer.close()
                self._trainer = None
            if self._trainer is None:
                self._trainer = Trainer(self._device, self._python)

    @contextlib.contextmanager
    def lend(self) -> Iterator[Trainer]:
        """Return the waiting trainer, or a fresh one if none waits or it has died. The caller closes it."""
        with self._lock:
            self._lent = True
            trainer, self._trainer = self._trainer, None
        try:
            if trainer is not None and not trainer.alive:
                trainer.close()
                trainer = None
            trainer = trainer or Trainer(self._device, self._python)
            yield trainer
        finally:
            with self._lock:
                self._lent = False
                if self._units is None and trainer is not None:
                    self._units = trainer.units

    def close(self) -> None:
        """End the waiting trainer."""
        with self._lock:
            trainer, self._trainer = self._trainer, None
            self._ahead = False
        if trainer is not None:
            trainer.close()
