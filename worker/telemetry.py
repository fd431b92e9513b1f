"""What an attempt takes of its machine: load and memory of the trainer's processes, of its GPU, and power.

A thread reads the sensors every few seconds. The attempt writes the newest readings on the axis of steps, as metrics of
their own, and the thread keeps the attempt's energy in its row. A sensor that is missing or unreadable gives no value,
and hides nothing else.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import structlog
from sqlalchemy.exc import SQLAlchemyError

from worker.nvml import Gpu

log = structlog.get_logger(__name__)

EVERY_S = 5.0
# The energy in the attempt's row is at most so old when a supervisor dies.
KEEP_EVERY_S = 60.0
JOULES_PER_WH = 3600.0
MICRO = 1e-6

Readings = dict[str, float]


class ProcessTree:
    """The trainer and the processes that it started, such as those that load data."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._seconds: dict[int, float] = {}
        self._known = False

    def read(self) -> tuple[float | None, int | None]:
        """Return the processor seconds since the last time (None the first time), and resident bytes; None if gone.

        Memory that processes share counts for each of them. What a process used that ended in between is left out.
        """
        try:
            root = psutil.Process(self._pid)
            tree = [root, *root.children(recursive=True)]
        except psutil.Error:
            return None, None
        now: dict[int, float] = {}
        memory = 0
        for process in tree:
            try:
                with process.oneshot():
                    times = process.cpu_times()
                    memory += process.memory_info().rss
            except psutil.Error:
                continue
            now[process.pid] = times.user + times.system
        used = sum(max(0.0, seconds - self._seconds.get(pid, 0.0)) for pid, seconds in now.items())
        known, self._known, self._seconds = self._known, True, now
        return used if known else None, memory


class ProcessorEnergy:
    """The energy of the processor packages, by their counters below /sys/class/powercap (RAPL)."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._packages = sorted((root / "sys/class/powercap").glob("intel-rapl:[0-9]"))
        self._last: dict[Path, int] = {}

    def joules(self) -> float | None:
        """Return what they took since the last time; None where no counter is readable, and the first time."""
        total, some = 0, False
        for package in self._packages:
            try:
                now = int((package / "energy_uj").read_text())
                before = self._last.get(package)
                self._last[package] = now
                if before is None:
                    continue
                # The counter begins again at zero beyond its range.
                total += now - before if now >= before else now - before + self._range(package)
                some = True
            except (OSError, ValueError):
                continue
        return total * MICRO if some else None

    def _range(self, package: Path) -> int:
        return int((package / "max_energy_range_uj").read_text())


class Sampler:
    """Reads all sensors for one trainer.

    The energy of the processors is shared out by processor time: the trainer's part of what the whole machine was busy.
    """

    def __init__(self, pid: int, gpu: Callable[[], Gpu | None], root: Path = Path("/")) -> None:
        self._tree = ProcessTree(pid)
        self._gpu = gpu
        self._energy = ProcessorEnergy(root)
        self._busy = _busy_seconds()
        self._at = time.monotonic()

    def read(self) -> tuple[Readings, float | None]:
        """Return the readings by metric, and the joules since the last time; None without a sensor for power."""
        now, busy = time.monotonic(), _busy_seconds()
        passed, machine = now - self._at, busy - self._busy
        self._at, self._busy = now, busy
        found: Readings = {}
        seconds, memory = self._tree.read()
        if memory is not None:
            found["memory_bytes"] = float(memory)
        if seconds is not None and passed > 0:
            found["cpu_pct"] = round(100 * seconds / passed, 1)
        power = self._gpu_readings(found)
        joules = None if power is None else power * passed
        package = self._energy.joules()
        if package is not None and seconds is not None:
            share = min(1.0, seconds / machine) if machine > 0 else 0.0
            joules = (joules or 0.0) + share * package
        if joules is not None and passed > 0:
            found["watts"] = round(joules / passed, 1)
        return found, joules

    def _gpu_readings(self, found: Readings) -> float | None:
        """Add what the GPU tells; return its watts."""
        gpu = self._gpu()
        if gpu is None:
            return None
        if gpu.busy_pct is not None:
            found["gpu_pct"] = gpu.busy_pct
        if gpu.total is not None and gpu.free is not None:
            found["gpu_memory_bytes"] = float(gpu.total - gpu.free)
        return gpu.watts


def _busy_seconds() -> float:
    """Return how long the machine's processors were busy since it started, in seconds of one processor."""
    times = psutil.cpu_times()
    return float(times.user + times.system + getattr(times, "nice", 0.0))


class Telemetry(threading.Thread):
    """Samples until the attempt is over; hands out each reading once."""

    def __init__(
        self, sampler: Sampler, keep: Callable[[float], None], over: threading.Event, *, every_s: float = EVERY_S
    ) -> None:
        """`keep` stores the attempt's energy in watt-hours."""
        super().__init__(name="telemetry", daemon=True)
        self._sampler = sampler
        self._keep = keep
        self._over = over
        self._every_s = every_s
        self._lock = threading.Lock()
        self._newest: Readings = {}
        self._joules: float | None = None

    def run(self) -> None:
        """Read the sensors, and keep the energy now and then."""
        self._sampler.read()  # what is counted since the last time is known from the second time on
        keep_at = time.monotonic() + KEEP_EVERY_S
        while not self._over.wait(self._every_s):
            self.sample()
            if time.monotonic() >= keep_at:
                keep_at = time.monotonic() + KEEP_EVERY_S
                self.store()

    def sample(self) -> None:
        """Read the sensors once."""
        readings, joules = self._sampler.read()
        with self._lock:
            self._newest = readings
            if joules is not None:
                self._joules = (self._joules or 0.0) + joules

    def take(self) -> Readings:
        """Return the newest readings, each only once; empty if there are no new ones."""
        with self._lock:
            newest, self._newest = self._newest, {}
        return newest

    def store(self) -> None:
        """Store the energy, where it is known. If that fails, the next time stores all of it."""
        with self._lock:
            joules = self._joules
        if joules is None:
            return
        try:
            self._keep(joules / JOULES_PER_WH)
        except SQLAlchemyError as error:
            log.warning("energy_not_kept", error=str(error).splitlines()[0][:200])
