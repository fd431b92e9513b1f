"""Recorded runs: what the code of one commit computed, for the code of later ones to be held against.

For every recipe, `facts.json` holds the parameters of a short seeded run, the metrics of its steps, the means of its
epochs and the sha256 of its final weights. Some recipes also have a checkpoint from the middle of the same run.
`record.py` writes them anew.

Floating-point sums differ in their last bits between processors: kernels have other blocks and other vectors. So bytes
are compared on the kind of processor that recorded them (`fingerprint`), numbers on every other.
"""

from __future__ import annotations

import hashlib
import json
import platform
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

FOLDER = Path(__file__).parent
FACTS = FOLDER / "facts.json"

# The lines of /proc/cpuinfo that kernels are chosen by: instruction sets, and caches, whose size sets the blocks.
_CHOSEN_BY = ("vendor_id", "cpu family", "model", "stepping", "cache size", "flags", "Features", "CPU part")


def facts() -> dict[str, Any]:
    """Return what was recorded."""
    recorded: dict[str, Any] = json.loads(FACTS.read_text())
    return recorded


def fingerprint() -> str:
    """Return a hash of everything that decides which kernels torch runs on this machine."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    first = text.partition("\n\n")[0]  # all processors of a machine are alike
    cpu = [line for line in first.splitlines() if line.partition(":")[0].strip() in _CHOSEN_BY]
    parts = [torch.__version__, torch.backends.cpu.get_cpu_capability(), platform.machine(), *cpu]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def checkpoint(recipe: str) -> Path:
    """Return the path of a recipe's checkpoint."""
    return FOLDER / f"{recipe}.safetensors"


def content(path: str | Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Return the tensors and the JSON of a checkpoint, read without the trainer's own reader."""
    with safe_open(str(path), framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, json.loads(file.metadata()["ganforge"])  # noqa: SIM118
