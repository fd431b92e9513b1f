"""The device of a supervisor: its name, how a trainer is confined to it, and how much memory a job may use on it.

| device | a job may have | now |
|---|---|---|
| CPU | what a trainer allows itself of the memory of the machine or container | no more than is available |
| GPU | the GPU's memory | what is free of it |
| Jetson | 70 % of the board's memory, which CPU and GPU share | 70 % of what is available |

Swap is never counted: a GPU cannot use it, and a training that swaps is worse than one that waits.
"""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field
from pathlib import Path

from models.limits import TRAINER_MEMORY_SHARE
from models.states import DeviceClass
from models.wire import TorchDevice, Values
from stores.infra.settings import Settings
from worker.hardware import Probes
from worker.nvml import Gpu

# The rest is for the system, the supervisor, and errors of the estimate.
SHARE_OF_BOARD = 0.7
# A board with less memory than this has room for one trainer, not for a second one that waits.
BOARD_CHECKPOINTS_S = 300
ROOM_FOR_SPARE = 6 << 30

# The variables of this process that a trainer gets: what Python and CUDA need, no addresses, no credentials.
PASSED_ON = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "CUDA_HOME", "TZ"),
    *("GANFORGE_HOME", "GANFORGE_DISK_RESERVE_BYTES", "GANFORGE_CUDA_GRAPHS"),
)

# The allocator of the C library keeps what a trainer frees: the next step wants blocks of the same sizes. By default it
# returns them to the kernel, and every page comes back filled with zeros, 5,000 times in a step of `dcgan`. 32 MiB is
# the most that every version of glibc takes for the first; when memory runs out, the trainer itself returns the rest.
KEEP_FREED_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(1 << 30)}


@dataclass(frozen=True)
class Device:
    """A CPU, a GPU known by its UUID, or a Jetson's GPU."""

    kind: DeviceClass
    uuid: str | None
    name: str
    threads: int
    probes: Probes = field(default_factory=Probes, compare=False)

    @property
    def torch(self) -> TorchDevice:
        """The name by which torch addresses the one device that it can see."""
        return "cpu" if self.kind is DeviceClass.cpu else "cuda"

    @property
    def courtesy(self) -> list[str]:
        """What to put before a trainer's command: on a CPU, `nice`, since the service shares the cores with it.

        The service needs a few milliseconds now and then, and people wait for them. On a GPU the trainer's own thread
        must not wait.
        """
        return ["nice", "-n", "10"] if self.kind is DeviceClass.cpu else []

    @property
    def keeps_spare(self) -> bool:
        """Whether there is enough memory to start the next trainer ahead of time."""
        return self.kind is not DeviceClass.jetson or self.probes.memory().get("MemTotal", 0) >= ROOM_FOR_SPARE

    def suited(self, params: Values) -> Values:
        """Return a job's parameters with this device's defaults for those that were not set.

        A board writes checkpoints to a memory card, which wears out, and trains slowly: every five minutes is enough.
        """
        if self.kind is DeviceClass.jetson and params.get("checkpoint_every", "") is None:
            return {**params, "checkpoint_every": {"seconds": BOARD_CHECKPOINTS_S}}
        return params

    def environment(self) -> dict[str, str]:
        """Return the whole environment of a trainer."""
        kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        visible = {DeviceClass.cpu: "", DeviceClass.jetson: "0"}.get(self.kind, self.uuid or "0")
        return {
            **kept,
            # With a GPU, tensors are not on the host; a board shares its memory with its GPU, which needs what is free.
            **(KEEP_FREED_MEMORY if self.kind is DeviceClass.cpu else {}),
            "CUDA_VISIBLE_DEVICES": visible,
            "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # deterministic matrix products, for exact resume
            "OMP_NUM_THREADS": str(self.threads),
            "PYTHONUNBUFFERED": "1",
        }

    def facts(self) -> dict[str, object]:
        """Return what the workers' page and placement use: names, memory in bytes, temperature in degrees Celsius.

        `capacity` is the most that a job may ever need here, `room` the most that it may need now; null: unknown.
        """
        figures = self.probes.memory()
        gpu = self._gpu()
        capacity, room = self._memory(figures, gpu)
        facts: dict[str, object] = {
            "kind": self.kind,
            "name": self.name,
            "uuid": self.uuid,
            "threads": self.threads,
            "memory_total": figures.get("MemTotal"),
            "memory_available": figures.get("MemAvailable"),
            "capacity": capacity,
            "room": room,
            "temperature": self._temperature(gpu),
        }
        if gpu is not None:
            facts |= {"gpu_memory_total": gpu.total, "gpu_memory_free": gpu.free}
        if self.kind is DeviceClass.jetson:
            facts |= {
                "swap_total": figures.get("SwapTotal"),
                "swap_compressed": self.probes.compressed_swap(),
                "gpu_load": self.probes.load(),
            }
        return facts

    def room(self) -> int | None:
        """Return the bytes that a job may need now; None when nobody knows."""
        return self._memory(self.probes.memory(), self._gpu())[1]

    def gpu_now(self) -> Gpu | None:
        """Return the figures of its GPU by the driver's library; None without one."""
        if self.kind is not DeviceClass.gpu:
            return None
        return next((gpu for gpu in self.probes.gpus_by_library() if gpu.uuid == self.uuid), None)

    def _memory(self, figures: dict[str, int], gpu: Gpu | None) -> tuple[int | None, int | None]:
        """Return capacity and room in bytes."""
        if self.kind is DeviceClass.gpu:
            return (None, None) if gpu is None else (gpu.total, gpu.free)
        if "MemTotal" not in figures:
            return None, None
        total, available = figures["MemTotal"], figures.get("MemAvailable", figures["MemTotal"])
        if self.kind is DeviceClass.jetson:
            return int(SHARE_OF_BOARD * total), int(SHARE_OF_BOARD * available)
        capacity = int(TRAINER_MEMORY_SHARE * total)
        limit = self.probes.limit()
        capacity = capacity if limit is None else min(capacity, limit)
        return capacity, min(capacity, available)

    def _temperature(self, gpu: Gpu | None) -> float | None:
        match self.kind:
            case DeviceClass.gpu:
                return None if gpu is None else gpu.temperature
            case DeviceClass.jetson:
                return self.probes.board_temperature()
            case _:
                return self.probes.processor_temperature()

    def _gpu(self) -> Gpu | None:
        if self.kind is not DeviceClass.gpu:
            return None
        return next((gpu for gpu in self.probes.gpus() if gpu.uuid == self.uuid), None)


def find_device(settings: Settings, root: Path = Path("/")) -> Device:
    """Return the device that the settings pin this supervisor to. `root` is where /proc and /sys are."""
    probes = Probes(root)
    threads = settings.threads or len(os.sched_getaffinity(0))
    kind = DeviceClass(settings.queue)
    if kind is DeviceClass.cpu:
        name = probes.processor() or platform.processor() or platform.machine()
        return Device(kind, None, name, threads, probes)
    if kind is DeviceClass.jetson:
        return Device(kind, None, probes.board() or "Jetson", threads, probes)
    # An index may mean another GPU after one is added, so the UUID is stored. Without a driver, the index as given.
    for gpu in probes.gpus():
        if settings.device in {gpu.index, gpu.uuid}:
            return Device(kind, gpu.uuid, gpu.name, threads, probes)
    return Device(kind, settings.device, "GPU", threads, probes)


def oom_kills() -> int:
    """Return how often the kernel has killed a process for lack of memory: on this machine, or in this container."""
    return Probes().oom_kills()
