"""The faults: what is done, to whom, at which point of a job's life."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass

# Where a job stands, in the order in which it comes by. `training` is a step drawn at random; the others are named in
# stores/infra/failpoints.py. The first two halt the API, `expiring` and `purging` the sweeper, the rest the supervisor.
# `purging` comes by because an earlier job of the series is deleted for good while this one trains.
PHASES = {
    "committing": 0,
    "ringing": 1,
    "claimed": 2,
    "renewing": 3,
    "training": 4,
    "uploading": 4,
    "stored": 4,
    "listed": 4,
    "expiring": 4,
    "purging": 4,
    "archiving": 5,
    "finishing": 5,
}
VIOLENCE = ("kill", "terminate", "freeze")
REQUEST = ("committing", "ringing")
ATTEMPT = ("claimed", "renewing", "training", "uploading", "stored", "listed", "archiving", "finishing")


@dataclass(frozen=True)
class Fault:
    """An action on a part at a point. Of a supervisor and its trainer, the one that holds the job is meant."""

    action: str
    target: str
    point: str

    @property
    def phase(self) -> int:
        """Where in a job's life it comes."""
        return PHASES[self.point]

    @property
    def stage(self) -> str:
        """Which part of a job's life that is."""
        if self.phase < PHASES["training"]:
            return "beginning"
        return "middle" if self.phase == PHASES["training"] else "end"

    def __str__(self) -> str:
        return f"{self.action} {self.target} at {self.point}"


def catalogue() -> list[Fault]:
    """Return every fault there is."""
    parts = ("trainer", "supervisor", "api", "sweeper", "broker", "database", "object store")
    others = tuple(part for part in parts if part not in {"trainer", "supervisor"})
    return [
        *(Fault(*given) for given in itertools.product(VIOLENCE, parts, ATTEMPT)),
        *(Fault(*given) for given in itertools.product(VIOLENCE, others, REQUEST)),
        *(Fault(*given) for given in itertools.product(VIOLENCE, ("sweeper", "database"), ("expiring",))),
        *(
            Fault(*given)
            for given in itertools.product(VIOLENCE, ("sweeper", "database", "object store"), ("purging",))
        ),
        Fault("kill everything", "sweeper", "purging"),
        *(Fault("forget all", "broker", point) for point in ("ringing", "claimed", "training", "finishing")),
        *(Fault("ring thrice", "broker", point) for point in ("ringing", "claimed", "training", "finishing")),
        *(Fault("refuse writes", "object store", point) for point in ("training", "uploading", "stored")),
        *(Fault("fill disk", "trainer", point) for point in ("training", "listed")),
        *(Fault("freeze for good", "trainer", point) for point in ("training", "listed")),
        *(Fault("kill beside a second sweeper", "supervisor", point) for point in ("claimed", "training", "stored")),
    ]


def draw(seed: int, a_job: int, wanted: str = "") -> Iterator[list[Fault]]:
    """Yield faults without end, `a_job` for one job, in the order of its life; none comes again before all have."""
    chosen = [fault for fault in catalogue() if wanted in str(fault)]
    rng = random.Random(seed)
    waiting: list[Fault] = []
    while True:
        chain: list[Fault] = []
        for _ in range(a_job):
            if not waiting:
                waiting = list(chosen)
                rng.shuffle(waiting)
            # A job begins once and ends once: of what happens then, one thing can.
            taken = {fault.stage for fault in chain} & {"beginning", "end"}
            chain.append(next((fault for fault in waiting if fault.stage not in taken), waiting[0]))
            waiting.remove(chain[-1])
        yield sorted(chain, key=lambda fault: fault.phase)
