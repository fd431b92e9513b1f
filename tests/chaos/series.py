"""A series: one stack, job after job, each through its faults, until so many faults were done."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from tests.chaos import undisturbed_run
from tests.chaos.faults import draw
from tests.chaos.job_under_faults import Ordeal, Result
from tests.chaos.running_stack import World

LEASE_S = 3.0
FAULTS_A_JOB = 3


def run(home: Path, seed: int, count: int, say: Callable[[str], None], wanted: str = "") -> Iterator[Result]:
    """Yield what became of each job, until `count` faults were done. `wanted`: only faults that hold this text.

    A fault that is drawn is not always met: a job may end without coming to the point where it was to fall.
    """
    with tempfile.TemporaryDirectory() as folder:
        undisturbed = undisturbed_run.weights(Path(folder))
    world, rng = World(home, LEASE_S), random.Random(seed)
    try:
        world.start()
        done, chains = 0, draw(seed, FAULTS_A_JOB, wanted)
        for number, chain in enumerate(islice(chains, count)):
            if done >= count:
                break
            world.await_supervisors()
            result = Ordeal(world, rng, f"ordeal-{seed}-{number}", chain).run(undisturbed)
            told = "; ".join(_line(injury) for injury in result.injuries)
            done += sum(injury.done for injury in result.injuries)
            say(f"{number:>4} {result.seconds:>5.1f} s  {told}")
            for line in result.violations:
                say(f"     VIOLATION {line}")
            yield result
    finally:
        world.close()


def _line(injury) -> str:
    if not injury.done:
        return f"{injury.fault}: not met"
    return f"{injury.fault}: " + ("did not go on" if injury.recovery is None else f"{injury.recovery:.1f} s")
