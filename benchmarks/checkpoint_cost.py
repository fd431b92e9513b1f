"""What checkpoints cost a training: the same run with the default cadence and without any, in turn."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from benchmarks.comparison import ours, rates, spread_of
from benchmarks.comparison_processes import sides
from benchmarks.recipes import ENDLESS, NEVER, resolved
from benchmarks.service import emit

RECIPES = ("mlp_gan", "dcgan")
# Two checkpoints of 24 MB fall into this: they come every 40 s.
SECONDS = 85.0
WARM_UP = 3.0


def run(dataset: str, folder: Path, device: str, rounds: int) -> None:
    """Print the ratio of the rates, which single runs blur, and the share of time for which the loop stood still."""
    for recipe in RECIPES:
        kept, bare = [], []
        for _ in range(rounds):
            kept.append(_once(recipe, dataset, folder, device, {}))
            bare.append(_once(recipe, dataset, folder, device, {"checkpoint_every": NEVER}))
        slower = [1 - a / b for a, b in zip(rates(kept), rates(bare), strict=True)]
        emit(
            "checkpoints_share_of_time",
            recipe=recipe,
            slower_by=spread_of(slower, 4),
            stood_still=spread_of([answer["standstill"] / answer["seconds"] for answer in kept], 5),
            checkpoints=sum(answer["checkpoints"] for answer in kept),
            seconds_between=round(sum(a["seconds"] for a in kept) / max(1, sum(a["checkpoints"] for a in kept)), 1),
            # How much two equal runs differ: what `slower_by` can tell at all.
            noise=round(statistics.pstdev(rates(bare)) / statistics.mean(rates(bare)), 4),
            target_max=0.01,
        )


def _once(recipe: str, dataset: str, folder: Path, device: str, changes: dict[str, Any]) -> dict[str, Any]:
    """Measure in a fresh process: in one that waits for its turn, a checkpoint would be due at every return."""
    params = resolved(recipe, None, dataset, images=ENDLESS, grid_every=NEVER, **changes)
    with sides([ours(recipe, dataset, folder, device, params)]) as (side,):
        side.round(WARM_UP)
        return side.round(SECONDS)
