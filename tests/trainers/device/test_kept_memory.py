"""Memory that a trainer's allocator keeps."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

# Memory below a block that is still in use cannot be returned by shrinking the heap: it is a hole.
HOLE = """
import resource, torch
from trainers.device import devices
def held():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() >> 20
blocks = [torch.ones(1 << 20) for _ in range(50)]  # 4 MiB each
kept = blocks[-1]
full = held()
del blocks
freed = held()
devices.give_back(torch.device("cpu"))
print(full - freed, freed - held())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries return memory at once")
def test_memory_that_the_allocator_keeps_is_given_back_to_the_processor():
    environment = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(1 << 30)}
    command = [sys.executable, "-c", HOLE]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    kept, given_back = map(int, told.split())
    assert kept < 10  # of 196 MiB
    assert given_back > 180
