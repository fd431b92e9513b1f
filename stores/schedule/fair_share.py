"""Whose turn it is: the order in which claims take what waits in a queue, one after another, were nothing to end.

Within a priority the owner with the fewest running jobs is served, among equals the one served least recently
(stores/jobs/claim.py). So owners who have less running catch up first, and then all take turns. At a turn, whoever
had come so far already goes before those who have just caught up, since these were served last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, groupby
from typing import Any

Pair = tuple[int, str]


@dataclass(frozen=True)
class Standing:
    """What an owner has waiting at one priority, and how they stand when it is that priority's turn.

    `running`: turns that count as taken. `rank`: the place in the order of being served, the longest ago first.
    """

    priority: int
    owner: str
    waiting: int
    running: int
    rank: int

    @property
    def pair(self) -> Pair:
        """By what it is known."""
        return self.priority, self.owner

    def turn(self, nth: int) -> tuple[int, int, int]:
        """Return when the nth of these jobs is taken (1 is the first); turns of all owners of a priority compare."""
        return self.running + nth - 1, -self.running, self.rank

    def before(self, other: Standing, nth: int) -> int:
        """Return how many of these jobs are taken before another owner's nth of the same priority."""
        level, *place = other.turn(nth)
        first = [-self.running, self.rank] < place
        return max(0, min(self.waiting, level - self.running + first))


def standings(owners: Iterable[Mapping[Any, Any]], workers: int) -> list[Standing]:
    """Return how owners stand at each priority.

    Args:
        owners: `priority, owner, running, waiting` of each pair, the highest priority first, within one the owner
            first who was served the longest ago.
        workers: how many serve the queue: of what an owner has waiting at a higher priority, no more than that is still
            running then.
    """
    found: list[Standing] = []
    carried: dict[str, int] = {}
    served: dict[str, int] = {}
    order = count()
    for priority, peers in groupby(owners, key=lambda pair: pair["priority"]):
        # Whoever has jobs of a higher priority has been served by then, after all others.
        ranked = sorted(peers, key=lambda pair: served.get(pair["owner"], -1))
        here = [
            Standing(priority, pair["owner"], pair["waiting"], pair["running"] + carried.get(pair["owner"], 0), rank)
            for rank, pair in enumerate(ranked)
        ]
        found += here
        for one in sorted((one for one in here if one.waiting), key=lambda one: one.turn(one.waiting)):
            served[one.owner] = next(order)
            carried[one.owner] = min(carried.get(one.owner, 0) + one.waiting, workers)
    return found


def in_turn(peers: Sequence[Standing]) -> list[Pair]:
    """Return whose job is taken first, whose then, and so on, of the owners of one priority."""
    turns = sorted((one.turn(nth), one.pair) for one in peers for nth in range(1, one.waiting + 1))
    return [pair for _, pair in turns]
