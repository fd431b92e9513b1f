"""`python -m benchmarks.quality [NAME …]`: how good the images of recipes are after some seconds of training.

A `darknet`, trained on the data once and kept, judges the images. Each recipe trains with its defaults for the data
set, one after the other. Its generator (the average, if it keeps one) is kept after 15, 30, 60, 120, 300, 600 and 1,200
seconds, and judged after the training. Neither is counted. Where a recipe's schedules follow the budget, as the falling
rates of `compact` and `r3gan` do, one training cannot give the whole curve: such a recipe is trained once for each
budget of 60, 300 and 1,200 seconds, as its users would, in as many images as fit in by a measurement before it.

Prints one JSON line a figure and a table. The figures go to docs/pictures, to a file for each data set where only those
of the named recipes are replaced, with a plot beside them and the last grid of each recipe.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from benchmarks import data, quality_figures, quality_plot
from benchmarks.quality_figures import Point, Settings, Training
from benchmarks.quality_training import CLOCKS, weights
from benchmarks.recipes import ENDLESS, NEVER, resolved, spec
from benchmarks.service import emit
from worker.device import KEEP_FREED_MEMORY

USUAL = ("compact", "mlp_gan", "dcgan", "wgan", "wgan_gp", "began", "r3gan")
PAINTERS = (*USUAL, "dcgan64")
# When a training is judged, and the budgets of recipes whose schedules follow the budget.
SECONDS = (15, 30, 60, 120, 300, 600, 1200)
BUDGETS = (60, 300, 1200)
_ROOT = Path(__file__).parents[1]
_PICTURES = _ROOT / "docs" / "pictures"
_CACHE = _ROOT / ".bench"
_LARGEST_PICTURE = 100_000
# Before a training with a budget, its speed is measured between these seconds.
_PROBE = (4.0, 12.0)
# Passes that make a classifier good enough to judge: Fashion-MNIST has more images, so fewer of them.
_JUDGE_EPOCHS = {"mnist-10k": 6, "mnist": 2, "fashion-mnist": 6}
# All that the judge's weights depend on: figures can be compared only if the same judge gave them.
_JUDGE: dict[str, Any] = {"precision": "float32", "checkpoint_every": NEVER}
_JUDGE_THREADS = 2


def main() -> None:
    """Train the judge, then every recipe, and print what it says."""
    asked = _arguments()
    from benchmarks.classifier_judge import Judge  # noqa: PLC0415 - torch takes seconds to come in

    judge = Judge(trained_judge(asked.dataset), asked.samples, asked.threads)
    emit("quality_judge", dataset=asked.dataset, sha256=judge.sha256, test_accuracy=judge.accuracy)
    emit("quality_real", **judge.figures(judge.train))
    figures = asked.figures / f"quality-{asked.dataset}.json"
    for recipe in asked.names or USUAL:
        settings, training = _measure(recipe, asked, judge)
        with FileLock(_CACHE / "figures.lock"):
            found = quality_figures.replaced(figures, settings, recipe, training, all_of_them=not asked.names)
            quality_figures.write(figures, found)
            quality_plot.write(figures.with_suffix(".svg"), found)
    print(quality_figures.table(quality_figures.read(figures)))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(PAINTERS)}; usually {USUAL}")
    parser.add_argument("--dataset", default="mnist-10k", choices=data.IDX)
    parser.add_argument("--minutes", type=float, default=5.0, help="how long each recipe trains")
    parser.add_argument("--threads", type=int, help="of the trainer; usually one for each processor")
    parser.add_argument(
        "--clock",
        choices=tuple(CLOCKS),
        default="wall",
        help="what counts the seconds; with `processor`, one thread can be measured beside other work",
    )
    parser.add_argument("--samples", type=int, default=2000, help="how many images are judged")
    parser.add_argument("--figures", type=Path, default=_PICTURES, help="the folder for figures, plot and grids")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep weights there, for benchmarks.report_cards")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    asked = parser.parse_args()
    if asked.threads is None:
        asked.threads = 1 if asked.clock == "processor" else len(os.sched_getaffinity(0))
    if asked.clock == "processor" and (asked.threads, asked.device) != (1, "cpu"):
        parser.error("--clock processor adds the seconds of all threads: it needs --threads 1 and --device cpu")
    unknown = [name for name in asked.names if name not in PAINTERS]
    if unknown:
        parser.error(f"nothing that paints is named {', '.join(unknown)}; there are {', '.join(PAINTERS)}")
    return asked


def trained_judge(dataset: str) -> dict[str, Any]:
    """Train the classifier, unless it is there already; return the line that its training began with."""
    params = resolved("darknet", None, dataset, **_JUDGE, epochs=_JUDGE_EPOCHS[dataset])
    folder = _CACHE / f"judge-{dataset}"
    line = json.dumps({**spec("darknet", params, dataset, folder), "threads": _JUDGE_THREADS})
    remembered = folder / "line.json"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock"):
        if not remembered.exists() or remembered.read_text() != line:
            _finish(line)
            remembered.write_text(line)
    judge: dict[str, Any] = json.loads(line)
    return judge


def _finish(line: str) -> None:
    """Run the trainer's own process to its end."""
    trainer = subprocess.Popen(
        [sys.executable, "-m", "trainers"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    try:
        assert trainer.stdin is not None
        # Its input stays open: the end of it would be the end of the trainer.
        trainer.stdin.write(line + "\n")
        trainer.stdin.flush()
        if trainer.wait():
            raise SystemExit("the training of the judge failed; its words are above")
    finally:
        trainer.kill()
        trainer.communicate()


def _measure(recipe: str, asked: argparse.Namespace, judge: Any) -> tuple[Settings, Training]:
    """Train a recipe, once or once for each budget; return what it was measured with, and the figures."""
    endless = resolved(recipe, None, asked.dataset, images=ENDLESS, checkpoint_every=NEVER)
    per_budget = endless["learning_rate_end"] is not None
    runs = [_up_to(SECONDS, asked.minutes)]
    if per_budget:
        runs = [[budget] for budget in _up_to(BUDGETS, asked.minutes)]
    points: list[Point] = []
    for seconds in runs:
        with tempfile.TemporaryDirectory(prefix="ganforge-bench-") as name:
            params = endless
            if per_budget:
                images = _images_in(seconds[0], recipe, endless, asked, Path(name))
                params = resolved(recipe, None, asked.dataset, images=images, checkpoint_every=NEVER)
            line = _line(recipe, params, asked, Path(name))
            facts = _train(line, [] if per_budget else seconds, asked.clock)
            for number, (mark, told) in enumerate(zip(seconds, facts, strict=True)):
                said = judge.figures(judge.look_at(judge.painted(line, weights(Path(line["scratch"]), number))))
                points.append(quality_figures.point(mark, told, said))
                if asked.keep:
                    _keep_weights(asked.keep, line, mark, weights(Path(line["scratch"]), number))
                emit(
                    "quality",
                    recipe=recipe,
                    clock=asked.clock,
                    threads=asked.threads,
                    per_budget=per_budget,
                    **points[-1],
                )
            _keep_grid(Path(line["scratch"]), asked.figures / f"quality-{recipe}.png")
    told = facts[-1]
    settings: Settings = {
        "dataset": asked.dataset,
        "machine": told["machine"],
        "threads": asked.threads,
        "clock": asked.clock,
        "judge": judge.sha256,
        "samples": asked.samples,
    }
    training: Training = {
        "date": datetime.now(UTC).date().isoformat(),
        "per_budget": per_budget,
        "precision": told["precision"],
        "image_size": params["image_size"],
        "alerts": sorted(set(told["alerts"])),
        "points": points,
    }
    return settings, training


def _up_to(seconds: Sequence[float], minutes: float) -> list[float]:
    last = 60 * minutes
    return [*(one for one in seconds if one < last), int(last) if last.is_integer() else last]


def _images_in(seconds: float, recipe: str, endless: dict[str, Any], asked: argparse.Namespace, folder: Path) -> int:
    """Return how many images the recipe sees in this time, so that its schedules end with it."""
    began, ended = _train(_line(recipe, endless, asked, folder / "probe"), _PROBE, asked.clock)
    rate = (ended["images"] - began["images"]) / (ended["seconds"] - began["seconds"])
    return max(2 * int(endless["batch_size"]), int(rate * seconds))


def _line(recipe: str, params: dict[str, Any], asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    return {**spec(recipe, params, asked.dataset, folder, asked.device), "threads": asked.threads}


def _train(line: dict[str, Any], seconds: Sequence[float], clock: str) -> list[dict[str, Any]]:
    """Train in a process of its own, set up as a worker does; return what it told each time that it was kept."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("GOMP_", "OMP_"))}
    environment.update(KEEP_FREED_MEMORY, OMP_NUM_THREADS=str(line["threads"]))
    asked = json.dumps({"spec": line, "seconds": seconds, "clock": clock}) + "\n"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.quality_training"],
        input=asked,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"the training of {line['recipe']} failed; its words are above")
    return [json.loads(told) for told in done.stdout.splitlines()]


def _keep_weights(folder: Path, line: dict[str, Any], seconds: float, generator: Path) -> None:
    """Keep a generator with the line that its training began with."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{line['recipe']}-{seconds:g}"
    shutil.copyfile(generator, folder / f"{name}.safetensors")
    (folder / f"{name}.json").write_text(json.dumps(line), encoding="utf-8")


def _keep_grid(scratch: Path, path: Path) -> None:
    grid = max(scratch.glob("grid-*.png"))
    assert grid.stat().st_size < _LARGEST_PICTURE, f"{grid} is too large for the repository"
    shutil.copyfile(grid, path)


if __name__ == "__main__":
    main()
