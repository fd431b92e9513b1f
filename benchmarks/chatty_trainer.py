"""`python -m benchmarks.chatty_trainer`: a trainer that also writes LINES lines of log after each step."""

from __future__ import annotations

import os
import sys

from trainers.__main__ import main
from trainers.loop.loop import Loop

LINES = int(os.environ.get("GANFORGE_BENCH_LINES", "0"))

_step = Loop._one_step


def _talking(loop: Loop) -> None:
    """Do a step, and write about it as a careless training script does."""
    _step(loop)
    for n in range(LINES):
        print(f"step {loop.job.step} part {n}: {loop.job.feed.sampler.seen} images seen", file=sys.stderr)


if __name__ == "__main__":
    Loop._one_step = _talking  # type: ignore[method-assign]
    main()
