"""The one device of a supervisor: what it is called, how a trainer is confined to it, and what it looks like now."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from models.states import DeviceClass
from stores.settings import Settings

# What a trainer may know of this process's environment: enough to run Python and CUDA, no address, no credential.
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "CUDA_HOME", "GANFORGE_HOME", "TZ")


@dataclass(frozen=True)
class Device:
    """A CPU, a GPU known by its UUID, or a Jetson's GPU."""

    kind: DeviceClass
    uuid: str | None
    name: str
    threads: int

    @property
    def torch(self) -> str:
        """The name under which torch sees the one device that is left to it."""
        return "cpu" if self.kind is DeviceClass.cpu else "cuda"

    @property
    def courtesy(self) -> list[str]:
        """What to put before a trainer's command: on a CPU it yields to the service that shares the cores with it.

        The service asks for a few milliseconds now and then, and people wait for those; on a GPU the trainer's own
        thread must not be kept waiting.
        """
        return ["nice", "-n", "10"] if self.kind is DeviceClass.cpu else []

    def environment(self) -> dict[str, str]:
        """Return the whole environment of a trainer."""
        kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        visible = {DeviceClass.cpu: "", DeviceClass.jetson: "0"}.get(self.kind, self.uuid or "0")
        return {
            **kept,
            "CUDA_VISIBLE_DEVICES": visible,
            "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # deterministic matrix products, for exact resume
            "OMP_NUM_THREADS": str(self.threads),
            "PYTHONUNBUFFERED": "1",
        }

    def facts(self) -> dict[str, Any]:
        """Return what the workers' page shows: names and the memory as it is now, in bytes."""
        memory = psutil.virtual_memory()
        return {
            "kind": self.kind,
            "name": self.name,
            "uuid": self.uuid,
            "threads": self.threads,
            "memory_total": memory.total,
            "memory_available": memory.available,
        }


def find_device(settings: Settings) -> Device:
    """Return the device that the settings pin this supervisor to."""
    threads = settings.threads or len(os.sched_getaffinity(0))
    kind = DeviceClass(settings.queue)
    if kind is DeviceClass.cpu:
        return Device(kind, None, _cpu_name(), threads)
    if kind is DeviceClass.jetson:
        model = Path("/proc/device-tree/model")
        name = model.read_text().rstrip("\0\n") if model.exists() else "Jetson"
        return Device(kind, None, name, threads)
    uuid, name = _gpu(settings.device)
    return Device(kind, uuid, name, threads)


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


def _gpu(wanted: str) -> tuple[str, str]:
    """Return UUID and name of the GPU that `wanted` (UUID or index) means; without nvidia-smi, as given."""
    query = ["nvidia-smi", "--query-gpu=index,uuid,name", "--format=csv,noheader"]
    try:
        output = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return wanted, "GPU"
    for line in output.splitlines():
        index, uuid, name = (part.strip() for part in line.split(",", 2))
        if wanted in {index, uuid}:
            return uuid, name
    return wanted, "GPU"


def oom_kills() -> int:
    """Return how often the kernel has killed a process for lack of memory: on this machine, or in this container."""
    count = 0
    for path, field in ((Path("/sys/fs/cgroup/memory.events"), "oom_kill"), (Path("/proc/vmstat"), "oom_kill")):
        try:
            lines = path.read_text().splitlines()
        except OSError:
            continue
        count += sum(int(line.split()[1]) for line in lines if line.split()[:1] == [field])
    return count
