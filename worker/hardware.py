"""Facts about this machine from the kernel and the driver: small files below /proc and /sys, and NVIDIA's library.

Every probe is optional: a file that is missing or unreadable gives no value, not an error.
"""

from __future__ import annotations

import resource
import subprocess
from pathlib import Path

from worker.nvml import Gpu, Nvml

MIB = 1 << 20
SMI_TIMEOUT_S = 10
SMI_FIELDS = "index,uuid,name,memory.total,memory.free,temperature.gpu"

# The sensors of the processor, by the types of thermal zones or the drivers of chips. A notebook's other zones are its
# wireless card, its battery, or a number that never changes.
PROCESSOR_ZONES = ("x86_pkg_temp", "cpu", "soc")
PROCESSOR_CHIPS = ("coretemp", "k10temp", "zenpower", "cpu_thermal")
# A board's power chip always reports 50 or 100 degrees.
NO_THERMOMETERS = ("pmic",)
# Values outside this range come from sensors that are asleep or missing.
PLAUSIBLE_C = (0, 150)


class Probes:
    """Reads below `root`, which is `/` outside tests."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._nvml = Nvml()

    def line(self, path: str) -> str | None:
        """Return the content of a small file without its end of line (or the zero byte of a device tree)."""
        try:
            return (self._root / path).read_text(errors="replace").strip().rstrip("\0").strip()
        except OSError:
            return None

    def memory(self) -> dict[str, int]:
        """Return the figures of /proc/meminfo in bytes, by their kernel names."""
        figures = {}
        for line in (self.line("proc/meminfo") or "").splitlines():
            name, _, rest = line.partition(":")
            words = rest.split()
            if words and words[0].isdecimal():
                figures[name] = int(words[0]) * (1024 if words[1:] == ["kB"] else 1)
        return figures

    def limit(self) -> int | None:
        """Return the memory limit of this process in bytes, where it is lower than the machine's memory."""
        limits = []
        for path in ("sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory/memory.limit_in_bytes"):
            text = self.line(path)
            if text is not None and text.isdecimal():
                limits.append(int(text))
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        if hard != resource.RLIM_INFINITY:
            limits.append(hard)
        return min(limits, default=None)

    def processor(self) -> str | None:
        """Return the product name of the processor."""
        lines = (self.line("proc/cpuinfo") or "").splitlines()
        return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), None) or None

    def board(self) -> str | None:
        """Return the name of a board with a device tree, such as a Jetson."""
        return self.line("proc/device-tree/model") or None

    def compressed_swap(self) -> int:
        """Return the bytes of swap that lie in memory (zram)."""
        sizes = (self.line(str(path.relative_to(self._root))) for path in self._root.glob("sys/block/zram*/disksize"))
        return sum(int(size) for size in sizes if size and size.isdecimal())

    def load(self) -> float | None:
        """Return how busy a Jetson's GPU is, 0 to 1."""
        for path in (
            "sys/devices/gpu.0/load",
            "sys/devices/platform/gpu.0/load",
            "sys/devices/platform/bus@0/gpu/load",
        ):
            text = self.line(path)
            if text is not None and text.isdecimal():
                return int(text) / 1000
        return None

    def board_temperature(self) -> float | None:
        """Return the degrees Celsius of a board's hottest thermal zone; None where none reports a value."""
        zones = self._zones()
        return max((degrees for kind, degrees in zones if not kind.startswith(NO_THERMOMETERS)), default=None)

    def processor_temperature(self) -> float | None:
        """Return the degrees Celsius of the processor's hottest sensor; None where none reports a value."""
        zones = [degrees for kind, degrees in self._zones() if kind.startswith(PROCESSOR_ZONES)]
        return max((*zones, *self._chips()), default=None)

    def _zones(self) -> list[tuple[str, float]]:
        """Return type (in small letters) and degrees of each thermal zone."""
        found = []
        for zone in self._root.glob("sys/class/thermal/thermal_zone*"):
            path = zone.relative_to(self._root)
            if (degrees := _celsius(self.line(f"{path}/temp"))) is not None:
                found.append(((self.line(f"{path}/type") or "").lower(), degrees))
        return found

    def _chips(self) -> list[float]:
        """Return the degrees of the processor's own sensors, which some makers do not list as thermal zones."""
        found = []
        for chip in self._root.glob("sys/class/hwmon/hwmon*"):
            if self.line(f"{chip.relative_to(self._root)}/name") in PROCESSOR_CHIPS:
                texts = (self.line(str(path.relative_to(self._root))) for path in chip.glob("temp*_input"))
                found += [degrees for text in texts if (degrees := _celsius(text)) is not None]
        return found

    def oom_kills(self) -> int:
        """Return how often the kernel has killed a process for lack of memory: on this machine or in this container.

        The counters of all files are added, so only an increase of the number has a meaning.
        """
        count = 0
        for path in ("proc/vmstat", *self._memory_events()):
            for line in (self.line(path) or "").splitlines():
                words = line.split()
                if words[:1] == ["oom_kill"] and len(words) == 2:
                    count += int(words[1])
        return count

    def _memory_events(self) -> set[str]:
        """Return the counter files of this process's own cgroup and of the topmost one, in both versions of cgroups.

        In a container the path of the own cgroup often does not exist: it is then mounted at the top.
        """
        found = {"sys/fs/cgroup/memory.events", "sys/fs/cgroup/memory/memory.oom_control"}
        for line in (self.line("proc/self/cgroup") or "").splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers:
                found.add(f"sys/fs/cgroup{path.rstrip('/')}/memory.events")
            elif "memory" in controllers.split(","):
                found.add(f"sys/fs/cgroup/memory{path.rstrip('/')}/memory.oom_control")
        return found

    def gpus_by_library(self) -> list[Gpu]:
        """Return the GPUs that the driver's library lists; none without it. No program is started."""
        return self._nvml.gpus() or []

    def gpus(self) -> list[Gpu]:
        """Return the GPUs that the driver lists; none without a driver."""
        listed = self._nvml.gpus()
        return _listed_by_program() if listed is None else listed


def _listed_by_program() -> list[Gpu]:
    """Ask nvidia-smi, which comes with the driver: for a worker without the binding of the driver's library."""
    query = ["nvidia-smi", f"--query-gpu={SMI_FIELDS}", "--format=csv,noheader,nounits"]
    try:
        output = subprocess.run(query, capture_output=True, text=True, timeout=SMI_TIMEOUT_S, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    found = []
    for line in output.splitlines():
        parts = [part.strip() for part in line.split(",")]
        if len(parts) == len(SMI_FIELDS.split(",")):
            index, uuid, name, total, free, degrees = parts
            temperature = float(degrees) if degrees.isdecimal() else None
            found.append(Gpu(index, uuid, name, _mebibytes(total), _mebibytes(free), temperature))
    return found


def _mebibytes(text: str) -> int | None:
    return int(text) * MIB if text.isdecimal() else None


def _celsius(text: str | None) -> float | None:
    """Return degrees from the kernel's thousandths; None for what is not a number or not plausible."""
    if text is None or not text.removeprefix("-").isdecimal():
        return None
    degrees = int(text) / 1000
    return degrees if PLAUSIBLE_C[0] < degrees < PLAUSIBLE_C[1] else None
