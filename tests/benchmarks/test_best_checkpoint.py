"""What `make bench-best` prints: how often the checkpoint `best` is better than the latest one, or the same."""

from __future__ import annotations

from benchmarks.best_checkpoint import Pair, _table


def test_the_table_counts_what_is_better_and_what_is_the_same():
    better, worse = Pair(0, 3, 4, 2.0, 3.0, False, 4, 0.019), Pair(2, 1, 4, 4.0, 3.0, False, 4, 0.02)
    pairs = [better, Pair(1, 4, 4, 2.5, 2.5, True, 2, 0.01), worse]
    *rows, counts = _table("dcgan", pairs).splitlines()
    assert counts == "better: 1, the same checkpoint: 1, together 2 of 3"
    assert rows[2] == "| 0 | 3 of 4 | 2.00 | 3.00 | 4 | 1.9 % |"
