"""One side of a comparison in a process of its own: `python -m benchmarks.comparison_side SIDE …` (comparison_rounds).

ours RECIPE DATASET FOLDER DEVICE PARAMS: our loop with these parameters (JSON).
without_graphs …: the same, every kernel of a GPU launched by itself.
theirs RECIPE DATASET FOLDER: the source's loop as benchmarks/sources restates it.
product: matrix products, in floating-point operations.
profile RECIPE DATASET FOLDER DEVICE PARAMS: prints a table and ends.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from benchmarks.comparison_rounds import Pace

_SIZE = 2048


def main() -> None:
    """Become the side that was asked for."""
    side, *rest = sys.argv[1:]
    known = {"ours": _ours, "without_graphs": _without_graphs, "theirs": _theirs, "product": _product}
    {**known, "profile": _profile}[side](*rest)


def _ours(recipe: str, dataset: str, folder: str, device: str, params: str) -> None:
    from benchmarks import our_loop, recipes  # noqa: PLC0415 - torch comes in with the settings of a trainer

    pace = Pace()
    reporter = our_loop.PacedReporter(pace)
    loop = our_loop.prepared(recipes.spec(recipe, json.loads(params), dataset, Path(folder), device), reporter)
    still = our_loop.Standstill(loop)
    pace.facts["standstill"] = lambda: still.seconds
    pace.facts["checkpoints"] = lambda: reporter.checkpoints
    loop.run()
    method = loop.job.method
    facts = {"precision": method.precision, "graphs": method.graphs.on, "memory": our_loop.peak_memory(loop)}
    print(json.dumps({**facts, "flops": our_loop.count_flops(loop)}), flush=True)


def _without_graphs(*arguments: str) -> None:
    os.environ["GANFORGE_CUDA_GRAPHS"] = "off"
    _ours(*arguments)


def _theirs(recipe: str, dataset: str, folder: str) -> None:
    import importlib  # noqa: PLC0415 - torch comes in with settings of its own

    from benchmarks.data import as_torchvision  # noqa: PLC0415

    source = importlib.import_module(f"benchmarks.sources.{recipe}")
    root = as_torchvision(dataset, Path(folder) / f"theirs-{os.getpid()}")
    pace = Pace()
    seen = 0
    if not pace.over(0):
        for images in source.steps(root):
            seen += images
            if pace.over(seen):
                return


def _product() -> None:
    import torch  # noqa: PLC0415

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    a, b = torch.randn(_SIZE, _SIZE), torch.randn(_SIZE, _SIZE)
    out = torch.empty(_SIZE, _SIZE)
    pace = Pace()
    done = 0
    while not pace.over(done):
        torch.mm(a, b, out=out)
        done += 2 * _SIZE**3


def _profile(recipe: str, dataset: str, folder: str, device: str, params: str) -> None:
    from benchmarks import our_loop, recipes  # noqa: PLC0415

    line = recipes.spec(recipe, json.loads(params), dataset, Path(folder), device)
    print(our_loop.profile(our_loop.prepared(line, our_loop.PacedReporter(Pace())), steps=10, rows=25))


if __name__ == "__main__":
    main()
