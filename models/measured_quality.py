"""Which recipe makes the best images after some minutes of training, as `make bench-quality` measured it.

`make docs` writes this file from docs/pictures/quality-mnist-10k.json.
"""

from __future__ import annotations

from typing import NamedTuple


class Best(NamedTuple):
    """The recipe with the lowest Fréchet ratio after so many minutes."""

    minutes: int
    recipe: str


# The processor cores that each training had.
CORES = 1
BEST_ON_DIGITS: tuple[Best, ...] = (
    Best(1, "compact"),
    Best(5, "compact"),
    Best(20, "compact"),
)
