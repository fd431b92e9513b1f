"""Getting a device ready, and its name for people."""

from __future__ import annotations

import os
import platform
import resource
from pathlib import Path

import torch

from models.limits import TRAINER_MEMORY_SHARE
from models.wire import Memory
from trainers.process.errors import TrainerError

_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def prepare(device: str, threads: int, *, exact: bool) -> torch.device:
    """Set threads and kernels for this process and return the device.

    Raises:
        TrainerError: the device is not there.
    """
    if device not in ("cpu", "cuda"):
        raise TrainerError(f"device is {device!r}; it must be cpu or cuda")
    if device == "cuda" and not torch.cuda.is_available():
        raise TrainerError("device is cuda, but this torch sees no CUDA device; check the driver, or use the cpu queue")
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    # The same switch as use_deterministic_algorithms, which would first import torch's compiler for two seconds.
    torch.set_deterministic_debug_mode("error" if exact else "default")
    if hasattr(torch.utils, "deterministic"):
        # Exactness needs the same sums, not memory that is filled before it is written.
        setattr(torch.utils.deterministic, "fill_uninitialized_memory", False)  # noqa: B010 - a module that mypy sees empty
    torch.backends.cudnn.benchmark = not exact
    return torch.device(device)


def only_one_interop_thread() -> None:
    """A trainer runs one operator at a time. Torch allows this once, before any work."""
    torch.set_num_interop_threads(1)


def workspace_for_exact_cublas() -> None:
    """Give cuBLAS the fixed workspace without which its sums may change order; read when CUDA starts."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


def limit_memory() -> None:
    """Make an oversized job fail with a clean allocation error instead of pushing the machine into its killer."""
    allowed = int(total_memory() * TRAINER_MEMORY_SHARE)
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard != resource.RLIM_INFINITY:
        allowed = min(allowed, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (allowed, hard))


def be_killed_first() -> None:
    """Ask the kernel to take this process, not the supervisor or a database, when memory runs out all the same."""
    try:
        Path("/proc/self/oom_score_adj").write_text("1000")
    except OSError:
        return  # not Linux, or not allowed: the kernel's own choice stands


def total_memory() -> int:
    """Return the bytes of memory that this machine, or this container, has."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for name in _CGROUP_LIMITS:
        try:
            text = Path(name).read_text().strip()
        except OSError:
            continue
        if text.isdecimal():
            limits.append(int(text))
    return min(limits)


def give_back(device: torch.device) -> None:
    """Return memory that torch keeps for later to the device, so that what follows finds it in one piece."""
    if device.type == "cuda":
        torch.cuda.empty_cache()


def peak_memory(device: torch.device) -> Memory:
    """Return the most bytes that this process held, on the host and on the device."""
    kilo = 1 if platform.system() == "Darwin" else 1024
    host = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * kilo
    # What torch took from the device counts, though some of it lay idle between two tensors.
    return Memory(host, torch.cuda.max_memory_reserved(device) if device.type == "cuda" else None)


def name(device: torch.device) -> str:
    """Return what the device is sold as."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
