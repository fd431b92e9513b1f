"""`python -m benchmarks.memory [RECIPE …]`: the memory of every recipe and preset; a JSON line each, then a table.

Each is trained for a few steps in a process of its own, with its first grid and a checkpoint, as a worker starts it: on
a CUDA device if there is one, else on the CPU. The data are digits, scaled to the size that the preset asks for.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.recipes import ENDLESS, resolved, spec
from benchmarks.service import emit
from models.recipes import RECIPES
from worker.device import KEEP_FREED_MEMORY

DATASET = "mnist-10k"
STEPS = 3
# There are no faces in digits, and more critic steps take longer, not more memory.
CHANGES: dict[tuple[str, str | None], dict[str, Any]] = {
    ("wgan", "fastai_lsun"): {"boost_steps": None},
    ("dcgan64", "celeba"): {"crop": "center"},
    ("wgan_gp", "celeba"): {"crop": "center"},
    ("began", "celeba"): {"crop": "center"},
    # The whole batch of 256 images is for a GPU; what a batch takes grows with it.
    ("r3gan", "paper_64"): {"batch_size": 2},
}
MEGABYTE = 1e6


def main() -> None:
    """Measure the recipes that are named, or all; as a child, train the one that standard input describes."""
    if sys.argv[1:] == ["--child"]:
        _train()
        return
    if unknown := [name for name in sys.argv[1:] if name not in RECIPES]:
        sys.exit(f"no recipe {', '.join(unknown)}; there are {', '.join(RECIPES)}")
    run(sys.argv[1:])


def run(names: Sequence[str] = ()) -> None:
    """Print a JSON line for each recipe and preset, and a Markdown table of all."""
    rows = []
    for recipe in names or RECIPES:
        for preset in (None, *(known.name for known in RECIPES[recipe].presets)):
            rows.append(_measured(recipe, preset))
            emit("memory_of_a_recipe", **rows[-1])
    print(_table(rows))


def _measured(recipe: str, preset: str | None) -> dict[str, Any]:
    asked = {"images": ENDLESS, "checkpoint_every": {"steps": STEPS - 1}, **CHANGES.get((recipe, preset), {})}
    params = resolved(recipe, preset, DATASET, **asked)
    with tempfile.TemporaryDirectory(prefix="ganforge-memory-") as name:
        line = spec(recipe, params, DATASET, Path(name))
        child = subprocess.run(
            [sys.executable, "-m", "benchmarks.memory", "--child"],
            input=json.dumps(line),
            stdout=subprocess.PIPE,
            check=True,
            text=True,
            env={**os.environ, **KEEP_FREED_MEMORY},
        )
    shown = {name: params[name] for name in ("image_size", "batch_size", "width")}
    return {"recipe": recipe, "preset": preset, **shown, **json.loads(child.stdout)}


def _table(rows: list[dict[str, Any]]) -> str:
    lines = [
        "| recipe | settings | images | batch | state | for the backward pass | peak |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        settings = f"`{row['preset']}`" if row["preset"] else "defaults"
        sizes = [f"{row[name]:,} MB" for name in ("state_mb", "activations_mb", "peak_mb")]
        cells = [f"`{row['recipe']}`", settings, f"{row['image_size']} px", str(row["batch_size"]), *sizes]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _train() -> None:
    """Train a few steps and print what they took, in megabytes above what this process took before."""
    from trainers import __main__ as process  # noqa: PLC0415 - torch comes in with the settings of a trainer

    process._warm_up()

    import torch  # noqa: PLC0415

    from trainers.process import spec as specs  # noqa: PLC0415
    from trainers.process.reporter import ListReporter  # noqa: PLC0415
    from trainers.train import train  # noqa: PLC0415

    class Saved:
        """Counts the bytes that the backward pass keeps: what is saved for it, each piece of memory once."""

        def __init__(self) -> None:
            self.now = self.most = 0
            self.held: dict[int, int] = {}

        def pack(self, tensor: torch.Tensor) -> Held:
            return Held(tensor)

        def unpack(self, held: Held) -> torch.Tensor:
            return held.tensor

    class Held:
        """A saved tensor, counted as long as it lives. Weights are saved too, but they are there anyway."""

        def __init__(self, tensor: torch.Tensor) -> None:
            self.tensor = tensor
            memory = tensor.untyped_storage()
            self.key, size = memory.data_ptr(), memory.nbytes()
            if isinstance(tensor, torch.nn.Parameter):
                self.key = 0
                return
            if self.key not in saved.held:
                saved.now += size
                saved.most = max(saved.most, saved.now)
            saved.held[self.key] = saved.held.get(self.key, 0) + 1

        def __del__(self) -> None:
            if self.key and self.key in saved.held:
                saved.held[self.key] -= 1
                if not saved.held[self.key]:
                    del saved.held[self.key]
                    saved.now -= self.tensor.untyped_storage().nbytes()

    saved = Saved()
    cuda = torch.cuda.is_available()
    given = specs.parse(json.dumps({**json.loads(sys.stdin.read()), "device": "cuda" if cuda else "cpu"}))
    assert isinstance(given, specs.TrainSpec)
    given.scratch.mkdir(parents=True, exist_ok=True)
    before = _resident()["VmRSS"]
    reporter = ListReporter(stop_at_step=STEPS)
    with torch.autograd.graph.saved_tensors_hooks(saved.pack, saved.unpack):
        train(given, reporter)
    peak = torch.cuda.max_memory_allocated() if cuda else _resident()["VmHWM"] - before
    checkpoint = next(Path(str(file["path"])) for file in reporter.of("file") if file["kind"] == "checkpoint")
    sizes = {"state": checkpoint.stat().st_size, "activations": saved.most, "peak": peak}
    figures = {f"{name}_mb": round(size / MEGABYTE) for name, size in sizes.items()}
    print(json.dumps({**figures, "device": "cuda" if cuda else "cpu"}))


def _resident() -> dict[str, int]:
    """Return the bytes that this process has in memory, now and at most."""
    lines = re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    return {name: int(kilo) * 1024 for name, kilo in lines}


if __name__ == "__main__":
    main()
