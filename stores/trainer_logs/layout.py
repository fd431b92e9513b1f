"""Which chunks of an attempt's log are kept. Plain arithmetic, for the one supervisor that writes them.

The first half of the room holds the beginning of the log and stays. The second half is a ring: when it is full, its
oldest chunks go, and the lines between are left out. Small chunks are merged, because a trainer that writes a line a
second would otherwise leave a row for each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

# Bytes that a job's log may have in all. An attempt has a room of at least `LEAST_ROOM`, and the first one leaves as
# much to those after it.
MOST_BYTES = 64_000_000
LEAST_ROOM = 2_000_000
# A chunk has about this many bytes at the most.
FULL_CHUNK = 1 << 18
# So many neighbours of one level become one chunk of the next.
FANOUT = 32


@dataclass(frozen=True)
class Chunk:
    """Some whole lines of a log. A merged chunk has the number of its first part; its last part was `last_number`."""

    number: int
    first_line: int
    lines: int
    bytes: int
    last_number: int
    level: int = 0

    @property
    def next_line(self) -> int:
        """The number of the first line after it."""
        return self.first_line + self.lines


def room_after(earlier: int, *, first: bool) -> int:
    """Return the bytes that an attempt's log may have when the logs of earlier attempts have `earlier` bytes."""
    return MOST_BYTES - LEAST_ROOM * 2 if first else max(LEAST_ROOM, MOST_BYTES - earlier)


class Layout:
    """The chunks of one attempt, in order."""

    def __init__(self, room: int) -> None:
        self._head: list[Chunk] = []
        self._ring: list[Chunk] = []
        self._head_left = room // 2
        self._ring_room = room - room // 2
        self._ring_bytes = 0

    def add(self, chunk: Chunk) -> list[Chunk]:
        """Add the newest chunk; return those that have to go."""
        if not self._ring and chunk.bytes <= self._head_left:
            self._head_left -= chunk.bytes
            self._head.append(chunk)
            return []
        self._ring.append(chunk)
        self._ring_bytes += chunk.bytes
        gone = []
        while self._ring_bytes > self._ring_room and len(self._ring) > 1:
            oldest = self._ring.pop(0)
            self._ring_bytes -= oldest.bytes
            gone.append(oldest)
        return gone

    def merges(self) -> Iterator[Chunk]:
        """Yield the chunks that the newest ones become, until no more are to be merged."""
        part = self._ring or self._head
        while (merged := _merged(part[-FANOUT:])) is not None:
            part[-FANOUT:] = [merged]
            yield merged


def _merged(newest: list[Chunk]) -> Chunk | None:
    if len(newest) < FANOUT or len({chunk.level for chunk in newest}) > 1:
        return None
    size = sum(chunk.bytes for chunk in newest)
    gapless = all(one.next_line == other.first_line for one, other in pairwise(newest))
    if size > FULL_CHUNK or not gapless:
        return None
    first, last = newest[0], newest[-1]
    lines = sum(chunk.lines for chunk in newest)
    return Chunk(first.number, first.first_line, lines, size, last.last_number, first.level + 1)
