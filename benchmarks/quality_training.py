"""One training that keeps the generator at given seconds: `python -m benchmarks.quality_training` (quality.py).

Standard input is one line of JSON: the spec of a training, the seconds, and the clock that counts them. At each of the
seconds the weights are written to the spec's scratch folder, and a line of JSON is printed. That is not counted.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.our_loop import PacedReporter, prepared

# The processor's seconds are those of all threads of this process together.
CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "processor": time.process_time}


class Marks:
    """Keeps the training at each of the seconds, in rising order; none at all: only at the end of its budget.

    It is asked once before each step with the images seen so far, as our_loop's reporter asks.
    """

    def __init__(
        self, seconds: Sequence[float], clock: Callable[[], float], keep: Callable[[float, int], None]
    ) -> None:
        self.settle: Callable[[], Any] = lambda: None  # waits for the device
        self._left = list(seconds)
        self._clock = clock
        self._keep = keep
        self._began = math.nan
        self._first = True

    def over(self, seen: int) -> bool:
        """Keep the training if one of the seconds has passed; tell whether it was the last one."""
        if self._first:
            # The first step is still to come: loading data and building networks is not training.
            self._first, self._began = False, self._clock()
        elif self._left and self.seconds >= self._left[0]:
            self.keep(seen)
            del self._left[0]
            return not self._left
        return False

    @property
    def seconds(self) -> float:
        """The seconds of training so far."""
        return self._clock() - self._began

    def keep(self, seen: int) -> None:
        """Keep the training as it is now, and stop the clock meanwhile."""
        self.settle()
        seconds = self.seconds
        self._keep(seconds, seen)
        self._began = self._clock() - seconds


def weights(scratch: Path, number: int) -> Path:
    """Return where the generator is kept for the n-th time, from 0."""
    return scratch / f"generator-{number}.safetensors"


def main() -> None:
    """Train, and keep what was asked for."""
    asked = json.loads(sys.stdin.readline())
    scratch = Path(asked["spec"]["scratch"])
    loop: Any = None
    kept = 0

    def keep(seconds: float, seen: int) -> None:
        nonlocal kept
        from trainers.loop import checkpoints  # noqa: PLC0415 - torch comes in with the settings of a trainer
        from trainers.methods import output_network  # noqa: PLC0415

        # The average, if the recipe keeps one: what users get.
        tensors = output_network(loop.job.method, "generator").state_dict()
        own = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
        checkpoints.write_tensors(weights(scratch, kept), own)
        facts = {"seconds": round(seconds, 2), "images": seen, "step": loop.job.step, "epochs": loop.job.epoch}
        ran = {"precision": loop.job.method.precision, "machine": loop.device_name, "alerts": loop.job.alarms.codes}
        print(json.dumps({**facts, **ran}), flush=True)
        kept += 1

    marks = Marks(asked["seconds"], CLOCKS[asked["clock"]], keep)
    loop = prepared(asked["spec"], PacedReporter(marks, keep_files=True))
    if loop.run():
        marks.keep(loop.job.feed.sampler.seen)
    loop.grids.draw(loop.job.step, loop.job.epoch)


if __name__ == "__main__":
    main()
