"""Whether a trainer still makes progress: it says so itself (`Alive`), and here is who listens and counts the time.

What the machine or this process did to the trainer is no fault of its own, so this time is left out:

- the time in which this very process stood still, because it was stopped or the machine was crowded;
- the time in which a thread of the trainer was ready to run and waited for a processor, as the kernel counts it.

A frozen trainer, a dead lock, a disk or a device that never answers wait for no processor: all their time counts.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from models import wire
from models.messages import Message, Words
from models.stalls import SHORTEST_S, STARTING, TIMES, TRAINING, USUAL_STEPS

LOOK_S = 0.5
# Steps whose median is the usual one.
RECENT_STEPS = 101
# Whatever is left out, after so many limits nothing is.
MOST_LIMITS = 10

DOING: dict[str, Callable[[], Message]] = {
    STARTING: Words.while_starting,
    "preparing": Words.while_preparing,
    "compiling": Words.while_compiling,
    TRAINING: Words.while_training,
    "evaluating": Words.while_evaluating,
    "saving": Words.while_saving,
    "sampling": Words.while_sampling,
}
_STATES: dict[str, Callable[[], Message]] = {
    "T": Words.process_stopped,
    "t": Words.process_stopped,
    "D": Words.process_on_disk,
    "R": Words.process_running,
}


@dataclass(frozen=True)
class Stall:
    """A trainer that makes no progress: for how many seconds, how many are allowed, and where it stands."""

    seconds: float
    limit: float
    phase: str
    step: int | None

    @property
    def doing(self) -> Message:
        """What it was doing, in words."""
        return DOING[self.phase]()


class LifeSigns:
    """What is known of a trainer's progress. Times are seconds of any clock that never goes back. Thread-safe."""

    def __init__(self, stall_s: float, now: float) -> None:
        self._stall_s = max(SHORTEST_S, stall_s)
        self._phase = STARTING
        self._step: int | None = None
        self._last = now
        self._left_out = 0.0
        self._steps: deque[float] = deque(maxlen=RECENT_STEPS)
        self._lock = threading.Lock()

    def sign(self, sign: wire.Alive, now: float) -> None:
        """Note a sign of life. Between two of them in the training lie steps, whose seconds are noted too."""
        with self._lock:
            if self._phase == TRAINING and self._step is not None and sign.step is not None and sign.step > self._step:
                self._steps.append((now - self._last) / (sign.step - self._step))
            self._phase = sign.phase
            self._step = self._step if sign.step is None else sign.step
            self._last, self._left_out = now, 0.0

    def leave_out(self, seconds: float) -> None:
        """Leave out seconds since the last sign: the trainer could not help them."""
        with self._lock:
            self._left_out += seconds

    def stall(self, now: float) -> Stall | None:
        """Return the stall if the trainer has shown no progress for longer than its phase allows."""
        with self._lock:
            usual = statistics.median(self._steps) if self._steps else 0.0
            limit = max(TIMES[self._phase] * self._stall_s, USUAL_STEPS * usual)
            silent = now - self._last
            if silent - self._left_out <= limit and silent <= MOST_LIMITS * limit:
                return None
            return Stall(silent, limit, self._phase, self._step)


class ProcessorWaits:
    """How long the threads of a process were ready to run and waited for a processor."""

    def __init__(self, pid: int, proc: Path = Path("/proc")) -> None:
        self._tasks = proc / str(pid) / "task"
        self._before: dict[str, int] = {}
        self.since_last()

    def since_last(self) -> float:
        """Return the seconds since the last call, of the thread that waited longest; 0 where the kernel doesn't say.

        One thread is enough: the others may sleep because they wait for it.
        """
        now = self._read()
        most = max((waited - self._before.get(thread, waited) for thread, waited in now.items()), default=0)
        self._before = now
        return most / 1e9

    def _read(self) -> dict[str, int]:
        """Return the nanoseconds that each thread has waited for a processor (Documentation/scheduler/sched-stats)."""
        found = {}
        # A thread may end while it is looked at, and some kernels do not have this file.
        with suppress(OSError):
            for task in self._tasks.iterdir():
                with suppress(OSError, ValueError, IndexError):
                    found[task.name] = int((task / "schedstat").read_text().split()[1])
        return found


class StallWatch(threading.Thread):
    """A thread that looks at a trainer's progress until the attempt is over, and calls `stalled` when there is none.

    Whoever is called may be busy, with an outage of the database for example, and asks `stall` whether it still is one.
    """

    def __init__(self, pid: int, stall_s: float, over: threading.Event, stalled: Callable[[], None]) -> None:
        super().__init__(name=f"stalls-{pid}", daemon=True)
        self._stall_s = stall_s
        self._over = over
        self._stalled = stalled
        self._waits = ProcessorWaits(pid)
        self._signs = LifeSigns(stall_s, time.monotonic())

    def hear(self, news: object) -> None:
        """Note what the trainer says, at the moment at which it comes in."""
        if isinstance(news, wire.Alive):
            self._signs.sign(news, time.monotonic())

    def stall(self) -> Stall | None:
        """Return the stall, if there is one now."""
        return self._signs.stall(time.monotonic())

    def start(self) -> None:
        """Begin to count, when the trainer gets its work; unless the setting says that nobody does."""
        self._signs = LifeSigns(self._stall_s, time.monotonic())
        if self._stall_s > 0:
            super().start()

    def run(self) -> None:
        """Look until the attempt is over."""
        looked_at, told = time.monotonic(), False
        while not self._over.wait(LOOK_S):
            now = time.monotonic()
            # The longer of both, since they may be the same seconds.
            overslept = now - looked_at - LOOK_S
            self._signs.leave_out(min(now - looked_at, max(overslept, self._waits.since_last())))
            looked_at, silent = now, self._signs.stall(now) is not None
            if silent and not told:
                self._stalled()
            told = silent


def process_state(pid: int, proc: Path = Path("/proc")) -> Message:
    """Return what the kernel says a process is doing, in words."""
    try:
        # The name in brackets may hold anything, the state follows the last bracket.
        letter = (proc / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        letter = ""
    return _STATES.get(letter, Words.process_waiting)()
