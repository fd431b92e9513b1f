"""How much memory a GPU has left. A Jetson's GPU has none of its own: it shares the memory of the board."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from models import memory

if TYPE_CHECKING:
    from pathlib import Path


def free(device: torch.device, meminfo: Path = memory.MEMINFO) -> int:
    """Return the bytes that a GPU can still give to this process."""
    # What CUDA calls free leaves out pages that hold copies of files: a board that has read some would seem full.
    available = memory.available(meminfo) if shared(device) else None
    return int(torch.cuda.mem_get_info()[0]) if available is None else available


def shared(device: torch.device) -> bool:
    """Return whether the GPU uses the memory of the CPU."""
    return bool(getattr(torch.cuda.get_device_properties(device), "is_integrated", False))
