"""How much of a training was done at its checkpoints: budgets of retries count it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Done:
    """The images seen and the epochs ended."""

    images: int
    epochs: int


class DoneBefore:
    """What a training had done at each step.

    Exact at the end of each epoch and where the job is now; between two of these, images grow with the steps.
    """

    def __init__(self, progress: Mapping[str, Any], epochs: Sequence[Mapping[str, Any]]) -> None:
        """Take how far the job is (`step`, `images`), and what its epochs tell; older trainers tell no step."""
        ended = sorted((epoch["step"], epoch["epoch"], epoch["images"]) for epoch in epochs if "step" in epoch)
        self._ends = [step for step, _, _ in ended]
        self._epochs = [number for _, number, _ in ended]
        now = (progress.get("step", 0), progress.get("images", 0))
        self._known = sorted({(0, 0), now, *((step, images) for step, _, images in ended)})

    def at(self, step: int) -> Done:
        """Return what was done at a step."""
        whole = bisect_right(self._ends, step)
        known = self._known
        n = bisect_left(known, (step,))
        if n == 0 or n == len(known):
            images = known[min(n, len(known) - 1)][1]
        else:
            (x0, y0), (x1, y1) = known[n - 1], known[n]
            images = y1 if x1 == step else int(y0 + (y1 - y0) * (step - x0) / (x1 - x0))
        return Done(images, self._epochs[whole - 1] if whole else 0)
