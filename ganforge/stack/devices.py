"""The supervisors that this machine should run: one for each GPU, or one for the CPU."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ganforge.errors import StackError

QUEUES = ("gpu", "jetson", "cpu")
JETSON_RELEASE = "etc/nv_tegra_release"


@dataclass(frozen=True)
class Seat:
    """One supervisor: its name, the queue it serves, and the device it is pinned to."""

    name: str
    queue: str
    device: str


def gpus() -> list[str]:
    """Return the UUIDs of this machine's NVIDIA GPUs; empty without a driver."""
    if shutil.which("nvidia-smi") is None:
        return []
    try:
        listing = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return re.findall(r"\(UUID: (GPU-[0-9a-f-]+)\)", listing.stdout) if listing.returncode == 0 else []


def seats(asked: str | None, root: Path = Path("/")) -> list[Seat]:
    """Return the supervisors to start: those for the queues asked for, or for the devices found.

    Args:
        asked: GANFORGE_QUEUES, such as `gpu,cpu`; None or empty: whatever this machine has, `cpu` if nothing better.
        root: where the files are by which a Jetson is known.

    Raises:
        StackError: a queue is unknown or its device is missing.
    """
    jetson = (root / JETSON_RELEASE).exists()
    names = [name.strip() for name in (asked or "").split(",") if name.strip()]
    unknown = sorted(set(names) - set(QUEUES))
    if unknown:
        raise StackError(f"GANFORGE_QUEUES names {', '.join(unknown)}; the queues are {', '.join(QUEUES)}")
    found = gpus() if not names or "gpu" in names else []
    if "gpu" in names and not found:
        raise StackError(
            "GANFORGE_QUEUES names gpu, but `nvidia-smi -L` lists no GPU; leave gpu out, or fix the driver"
        )
    if "jetson" in names and not jetson:
        raise StackError(f"GANFORGE_QUEUES names jetson, but /{JETSON_RELEASE} does not exist; leave jetson out")
    if not names:
        names = ["jetson"] if jetson else ["gpu"] if found else ["cpu"]
    chosen = [Seat(f"worker-gpu-{n}", "gpu", uuid) for n, uuid in enumerate(found) if "gpu" in names]
    # A Jetson has one GPU, which has no UUID.
    chosen += [Seat("worker-jetson", "jetson", "0")] if "jetson" in names else []
    chosen += [Seat("worker-cpu", "cpu", "cpu")] if "cpu" in names else []
    return chosen
