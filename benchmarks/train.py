"""`python -m benchmarks.train [NAME …]`: how fast recipes train; one JSON line a figure. Without names, everything.

Names are recipes, `checkpoints` (what they cost), `memory` (a data set larger than the memory allowed) and `cuda`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import checkpoint_cost, data, larger_than_memory
from benchmarks.comparison import Patience, compare, ours
from benchmarks.recipes import ENDLESS, MEASURED, NEVER, resolved
from benchmarks.service import emit

OTHERS = ("checkpoints", "memory", "cuda")
_DCGAN_EPOCH = 60_000


def main() -> None:
    """Run what was named."""
    asked = _arguments()
    has_cuda = _has_cuda()
    names = asked.names or [*MEASURED, "checkpoints", "memory", *(["cuda"] if has_cuda else [])]
    with tempfile.TemporaryDirectory(prefix="ganforge-bench-", dir=asked.folder) as name:
        folder = Path(name)
        if asked.profile:
            _profile(asked.profile, asked.dataset, folder, "cuda" if has_cuda else "cpu")
            return
        emit(
            "machine", cores=len(os.sched_getaffinity(0)), processor=_processor(), dataset=asked.dataset, cuda=has_cuda
        )
        patience = Patience(asked.rounds, asked.seconds, asked.warm_up)
        for part in names:
            if part == "checkpoints":
                checkpoint_cost.run(asked.dataset, folder, "cpu", rounds=3)
            elif part == "memory":
                larger_than_memory.run(folder, asked.gigabytes)
            elif part == "cuda":
                compare("dcgan", asked.dataset, folder, "cuda", patience, epoch=_DCGAN_EPOCH)
            else:
                compare(part, asked.dataset, folder, "cpu", patience)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.train", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join([*MEASURED, *OTHERS])}")
    parser.add_argument("--dataset", default="mnist-10k", choices=data.IDX)
    parser.add_argument("--rounds", type=int, default=5, help="how often each side has its turn")
    parser.add_argument("--seconds", type=float, default=4.0, help="how long a turn lasts; a step at least")
    parser.add_argument("--warm-up", type=float, default=3.0, help="how long each side runs before")
    parser.add_argument("--gigabytes", type=float, default=3.0, help="size of the data set that is larger than memory")
    parser.add_argument("--profile", metavar="RECIPE", choices=list(MEASURED), help="print where its time goes instead")
    parser.add_argument("--folder", help="where to put what is written meanwhile")
    asked = parser.parse_args()
    unknown = [name for name in asked.names if name not in (*MEASURED, *OTHERS)]
    if unknown:
        parser.error(f"nothing is named {', '.join(unknown)}; there are {', '.join([*MEASURED, *OTHERS])}")
    return asked


def _profile(recipe: str, dataset: str, folder: Path, device: str) -> None:
    measured = MEASURED[recipe]
    params = resolved(recipe, measured.preset, dataset, **measured.changes, images=ENDLESS, grid_every=NEVER)
    arguments = ours(recipe, dataset, folder, device, params, "profile")
    sys.exit(subprocess.run([sys.executable, "-m", "benchmarks.comparison_side", *arguments], check=False).returncode)


def _has_cuda() -> bool:
    """Ask in a process of its own: this one stays small and starts no driver."""
    asking = [sys.executable, "-c", "import sys, torch; sys.exit(not torch.cuda.is_available())"]
    return subprocess.run(asking, check=False).returncode == 0


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


if __name__ == "__main__":
    main()
