"""Whether a process has run out of memory: by its limits, and as a last hint by what libraries say.

Trainers ask this of themselves, and a supervisor asks it of its trainer, so it runs on Python 3.8 and imports nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

# Importing torch and the libraries of the trainers takes so much: measured 0.81 GB with torch 2.14 and its CUDA
# libraries. A process that may hold less cannot get through it, wherever in the loader it fails.
IMPORT_BYTES = 1 << 30
# A process so close to its limit failed because of it: most libraries ask for memory in larger pieces.
CLOSE_BYTES = 64 << 20

MEMINFO = Path("/proc/meminfo")

# Which line of /proc/PID/limits limits which line of /proc/PID/status.
_LIMITED = (("Max data size", "VmData"), ("Max address space", "VmSize"))

# What allocators, loaders and thread libraries say. Some have no other way to tell, so this is the last hint.
_PHRASES = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "memory allocation still failed",
    "bad_alloc",
    "alloc_failed",
    "not enough memory",
    # oneDNN says no more when it finds no room for its code or its scratch memory; it knows all our shapes.
    "could not create a memory object",
    "could not create a primitive",
    "could not execute a primitive",
    # cuDNN, whose every algorithm needs more room for its work than is left.
    "unable to find an engine",
    "unable to find a valid cudnn algorithm",
    # The dynamic loader, and a thread that finds no room for its stack.
    "failed to map segment",
    "cannot map zero-fill pages",
    "can't start new thread",
)


class Room(NamedTuple):
    """How many bytes a process may hold by its limits, and how many of them it does not hold yet."""

    allowed: int
    left: int


def room(pid: int | None = None) -> Room | None:
    """Return the tightest limit of a process (None: this one). None: it has no limit, or has ended."""
    folder = Path("/proc") / ("self" if pid is None else str(pid))
    try:
        limits = (folder / "limits").read_text()
        status = (folder / "status").read_text()
    except OSError:
        return None
    held = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    found = []
    for line in limits.splitlines():
        for limit, counted in _LIMITED:
            soft = line[len(limit) :].split()[:1]
            # A process that has ended holds nothing any more: the line is missing.
            if line.startswith(limit) and soft != ["unlimited"] and counted in held:
                allowed = int(soft[0])
                found.append(Room(allowed, allowed - 1024 * int(held[counted].split()[0])))
    return min(found, key=lambda one: one.left, default=None)


def exhausted(pid: int | None = None) -> bool:
    """Tell whether a process stands at a limit of its memory."""
    now = room(pid)
    return now is not None and now.left < CLOSE_BYTES


def available(meminfo: Path = MEMINFO) -> int | None:
    """Return the bytes that programs of this machine can still have without swapping; None where it does not tell."""
    try:
        lines = meminfo.read_text().splitlines()
    except OSError:
        return None
    words = next((line.split() for line in lines if line.startswith("MemAvailable:")), [])
    return 1024 * int(words[1]) if len(words) == 3 and words[1].isdecimal() else None


def too_little_for_torch() -> bool:
    """Tell whether this process may not even hold torch itself."""
    now = room()
    return now is not None and now.allowed < IMPORT_BYTES


def says_no_memory(text: str) -> bool:
    """Tell whether a text sounds like a lack of memory. Ask for facts first."""
    words = text.lower()
    return any(phrase in words for phrase in _PHRASES)
