"""`python -m benchmarks.telemetry`: what reading the sensors costs; a JSON line.

The reader looks at a process with eight children, as a trainer with loaders has, and asks the GPU, if there is one. The
cost is the processor time of a reading over the seconds between two.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time

from benchmarks.service import emit
from stores.infra.settings import Settings
from worker.device import find_device
from worker.telemetry import EVERY_S, Sampler

READINGS = 50
CHILDREN = 8
TREE = f"""
import subprocess
for _ in range({CHILDREN}):
    subprocess.Popen(["sleep", "600"])
subprocess.run(["sleep", "600"])
"""
# The telemetry may take this share of one processor.
ALLOWED = 0.005


def main() -> None:
    """Measure, and fail if it costs too much."""
    process = subprocess.Popen([sys.executable, "-c", TREE], start_new_session=True)
    try:
        time.sleep(1.0)  # until the children are there
        sampler = Sampler(process.pid, find_device(Settings()).gpu_now)
        took = [_seconds(sampler) for _ in range(READINGS)]
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    share = statistics.median(took) / EVERY_S
    emit("telemetry_share_of_a_processor", share=round(share, 5), worst=round(max(took) / EVERY_S, 5), allowed=ALLOWED)
    sys.exit(0 if share < ALLOWED else 1)


def _seconds(sampler: Sampler) -> float:
    """Return the processor time of one reading."""
    before = time.process_time()
    sampler.read()
    return time.process_time() - before


if __name__ == "__main__":
    main()
