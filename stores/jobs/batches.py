"""Orders about many jobs: how many rows one transaction changes, and what came of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from models.messages import Message

BATCH = 500

# A job that stays as it is, and why.
Problem = tuple[str, Message]


@dataclass(frozen=True)
class Tally:
    """How many jobs an order to many has changed, and how many it found as they should be."""

    changed: int
    unchanged: int


def batches(job_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield the ids in parts, each for one transaction."""
    for begin in range(0, len(job_ids), BATCH):
        yield job_ids[begin : begin + BATCH]
