"""Prepares a device for exact training; tells its memory and its name."""

from __future__ import annotations

import ctypes
import importlib
import os
import platform
import resource
import warnings
from pathlib import Path

import torch

from models.limits import TRAINER_MEMORY_SHARE
from models.messages import Failures
from models.wire import Memory
from trainers.device import compiler
from trainers.process.errors import MEMORY_ERRORS, TrainerError

# Torch has had a type for this since 1.13; with an older one the error's words must do.
MEMORY_ERRORS.append(getattr(torch.cuda, "OutOfMemoryError", MemoryError))

_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def prepare(device: str, threads: int, *, exact: bool) -> torch.device:
    """Set threads and kernels for this process and return the device.

    Raises:
        TrainerError: the device is not there.
    """
    if device not in ("cpu", "cuda"):
        raise TrainerError(Failures.unknown_device(device=repr(device)))
    if device == "cuda" and not torch.cuda.is_available():
        raise TrainerError(Failures.no_cuda())
    compiler.keep_out()
    torch.set_num_threads(threads)
    # Numbers near zero are computed in microcode, dozens of times slower, and change nothing.
    torch.set_flush_denormal(True)
    # Kernels whose sums do not depend on the order in which threads finish; an operator without one is an error. It is
    # the same switch as use_deterministic_algorithms, which would first import torch's compiler for two seconds.
    torch.set_deterministic_debug_mode("error" if exact else "default")
    _do_not_fill_new_memory()
    _keep_all_digits()
    # Trying out convolution algorithms may choose another one in each run.
    torch.backends.cudnn.benchmark = not exact
    return torch.device(device)


def _do_not_fill_new_memory() -> None:
    """Switch off what exactness does not need: memory that is filled before it is written."""
    try:
        switches = importlib.import_module("torch.utils.deterministic")
    except ImportError:
        return  # this torch does not fill it
    setattr(switches, "fill_uninitialized_memory", False)  # noqa: B010 - mypy knows no attribute of such a module


def _keep_all_digits() -> None:
    """Multiply float32 as float32 on a GPU. By default cuDNN's convolutions round to TF32, which has 10 bits of 23.

    A job that may round asks for bfloat16, whose products are not touched by this.
    """
    with warnings.catch_warnings():
        # Some versions of torch have the new switches beside these, and recommend them.
        warnings.simplefilter("ignore")
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
    # The new switches, since torch 2.9. The old ones leave some of them undecided.
    for switch in (
        torch.backends.cuda.matmul,
        *(getattr(torch.backends.cudnn, name, None) for name in ("conv", "rnn")),
    ):
        if switch is not None and hasattr(torch.backends.cudnn, "fp32_precision"):
            setattr(switch, "fp32_precision", "ieee")  # noqa: B010 - older versions of torch do not know it


def rounds_to_tf32() -> bool:
    """Return whether convolutions in float32 round to TF32 on a GPU."""
    conv = getattr(torch.backends.cudnn, "conv", None)
    if conv is None:
        return bool(torch.backends.cudnn.allow_tf32)
    return str(conv.fp32_precision) == "tf32"


def only_one_interop_thread() -> None:
    """Run one operator at a time. Torch allows this once, before any work."""
    torch.set_num_interop_threads(1)


def workspace_for_exact_cublas() -> None:
    """Give cuBLAS a fixed workspace, without which its sums may change order. It is read when CUDA starts."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


def limit_memory() -> None:
    """Make an oversized job fail with an allocation error, before the kernel has to kill a process of this machine."""
    allowed = int(total_memory() * TRAINER_MEMORY_SHARE)
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard != resource.RLIM_INFINITY:
        allowed = min(allowed, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (allowed, hard))


def be_killed_first() -> None:
    """Ask the kernel to kill this process, not the supervisor or a database, if memory runs out all the same."""
    try:
        Path("/proc/self/oom_score_adj").write_text("1000")
    except OSError:
        return  # not Linux, or not allowed: the kernel chooses


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
    """Return memory that torch or the C library keeps for later to the device, so that it is in one piece again."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        return
    # glibc has this function; other C libraries keep nothing of this size.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def peak_memory(device: torch.device) -> Memory:
    """Return the most bytes that this process held, on the host and on the device."""
    kilo = 1 if platform.system() == "Darwin" else 1024
    host = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * kilo
    # What torch took from the device counts, though some of it lay idle between two tensors.
    return Memory(host, torch.cuda.max_memory_reserved(device) if device.type == "cuda" else None)


def name(device: torch.device) -> str:
    """Return the product name of the device."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
