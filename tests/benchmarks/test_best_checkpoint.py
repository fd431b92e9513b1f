"""What `make bench-best` prints: how often the checkpoint `best` is at least as good as the latest one."""

from __future__ import annotations

from benchmarks.best_checkpoint import Pair, _table


def test_the_table_counts_what_is_better_and_what_is_as_good():
    pairs = [Pair(0, 3, 4, 2.0, 3.0, 4, 0.019), Pair(1, 4, 4, 2.5, 2.5, 2, 0.01), Pair(2, 1, 4, 4.0, 3.0, 4, 0.02)]
    *rows, counts = _table("dcgan", pairs).splitlines()
    assert counts == "at least as good: 2 of 3; better: 1"
    assert rows[2] == "| 0 | 3 of 4 | 2.00 | 3.00 | 4 | 1.9 % |"
