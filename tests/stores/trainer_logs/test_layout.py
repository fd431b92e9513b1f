"""Which chunks stay: the beginning, and a ring of the end."""

from __future__ import annotations

from itertools import pairwise

from stores.trainer_logs.layout import FANOUT, LEAST_ROOM, MOST_BYTES, Chunk, Layout, room_after


def _written(layout: Layout, sizes: list[int]) -> list[Chunk]:
    """Return the chunks that stay when chunks of these sizes, of a line each, are written."""
    kept: dict[int, Chunk] = {}
    for number, size in enumerate(sizes):
        chunk = Chunk(number, number + 1, 1, size, number)
        kept[number] = chunk
        for gone in layout.add(chunk):
            del kept[gone.number]
        for merged in layout.merges():
            for part in range(merged.number, merged.last_number + 1):
                kept.pop(part, None)
            kept[merged.number] = merged
    return [kept[number] for number in sorted(kept)]


def test_the_beginning_and_the_end_stay_and_the_middle_goes():
    kept = _written(Layout(1000), [100] * 30)
    assert [chunk.number for chunk in kept] == [0, 1, 2, 3, 4, 25, 26, 27, 28, 29]


def test_small_chunks_become_few_and_no_line_is_lost():
    kept = _written(Layout(10_000_000), [50] * 5000)
    assert len(kept) < 3 * FANOUT
    assert sum(chunk.lines for chunk in kept) == 5000
    assert all(one.next_line == other.first_line for one, other in pairwise(kept))


def test_the_logs_of_all_attempts_have_room_in_what_a_job_may_have():
    first = room_after(0, first=True)
    assert first + LEAST_ROOM <= MOST_BYTES
    assert first + room_after(first, first=False) == MOST_BYTES
