"""`python -m benchmarks.best_checkpoint [NAME …]`: is the checkpoint `best` better than the latest one?

Each recipe trains with ten seeds, half a minute of one core each, and measures itself with the packaged extractor.
Then both checkpoints are judged by what the training has not seen: another classifier, other noise, and all test
images. The ratio is the distance to the test images, over that of as many training images.

Prints one JSON line a training and a table.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import quality
from benchmarks.recipes import resolved, spec
from benchmarks.service import emit
from models import extractors, wire
from models.recipes import RECIPES
from models.specs.parameter_markers import bounds

DATASET = "mnist-10k"
# Small networks, so that a minute holds epochs enough for one of them to be the best.
SMALL: dict[str, dict[str, Any]] = {
    "compact": {"width": 8, "epochs": 4},
    # At this rate its quality rises and falls from step to step. Measured sixteen times, whatever that costs.
    "dcgan": {"width": 8, "batch_size": 32, "epochs": 4, "learning_rate": 1e-3, "quality_every": {"steps": 70}},
}


class Pair(NamedTuple):
    """What a training kept: the ratio of both checkpoints by the other classifier, and what measuring took."""

    seed: int
    best_epoch: int
    epochs: int
    best: float
    latest: float
    same: bool  # whether the latest checkpoint is the best one
    measurements: int
    share: float  # of the training's seconds


def main() -> None:
    """Train and compare."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.best_checkpoint", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(SMALL)}; usually all")
    parser.add_argument("--seeds", type=int, default=10)
    asked = parser.parse_args()
    from benchmarks.classifier_judge import Judge  # noqa: PLC0415 - torch takes seconds to come in

    judge = Judge(quality.trained_judge(DATASET), samples=1000)
    emit("best_checkpoint_judge", sha256=judge.sha256, test_accuracy=judge.accuracy)
    for recipe in asked.names or SMALL:
        pairs = [_pair(recipe, seed, judge) for seed in range(asked.seeds)]
        print(_table(recipe, pairs), flush=True)


def _pair(recipe: str, seed: int, judge: Any) -> Pair:
    with tempfile.TemporaryDirectory(prefix="ganforge-bench-") as name:
        line = {**_line(recipe, Path(name)), "seed": seed}
        files = _trained(line)
        report = json.loads((Path(line["scratch"]) / "report.json").read_text())
        best = next(file for file in reversed(files) if file.best)
        found = Pair(
            seed,
            best.epoch,
            report["epochs"],
            _ratio(line, best.path, judge),
            _ratio(line, files[-1].path, judge),
            best.path == files[-1].path,
            report["quality_measurements"],
            report["quality_seconds"] / (report["seconds"] - report["quality_seconds"]),
        )
    figures = {key: round(value, 4) for key, value in found._asdict().items()}
    emit("best_checkpoint", recipe=recipe, **figures)
    return found


def _line(recipe: str, folder: Path) -> dict[str, Any]:
    params = resolved(recipe, None, DATASET, **SMALL[recipe], monitor="fd_ratio")
    return {**spec(recipe, params, DATASET, folder), "threads": 1, "extractor": extractor_line(DATASET)}


def extractor_line(dataset: str) -> dict[str, Any]:
    """Return the packaged extractor of a data set as a supervisor sends it."""
    known = extractors.PACKAGED[dataset]
    limits = bounds(RECIPES["darknet"].params)
    judged_by = wire.ExtractorSpec(dataset, known.path, known.sha256, limits)
    return {**vars(judged_by), "path": str(known.path), "bounds": {key: vars(one) for key, one in limits.items()}}


def _trained(line: dict[str, Any]) -> list[wire.File]:
    """Train in a trainer's own process; return its checkpoints in order."""
    files = []
    with subprocess.Popen(
        [sys.executable, "-m", "trainers"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as trainer:
        assert trainer.stdin is not None
        assert trainer.stdout is not None
        # Its input stays open: the end of it would be the end of the trainer.
        trainer.stdin.write(json.dumps(line) + "\n")
        trainer.stdin.flush()
        for told in trainer.stdout:
            message = wire.read_message(told)
            if isinstance(message, wire.File) and message.kind == "checkpoint":
                files.append(message)
    if trainer.returncode:
        raise SystemExit(f"the training of {line['recipe']} failed; its words are above")
    return files


def _ratio(line: dict[str, Any], checkpoint: Path, judge: Any) -> float:
    """Return the Fréchet ratio of a checkpoint's images by the other classifier."""
    from trainers.loop import checkpoints  # noqa: PLC0415

    tensors = checkpoints.read(checkpoint).tensors
    prefix = "averages/generator/" if any(name.startswith("averages/generator/") for name in tensors) else ""
    prefix = prefix or "networks/generator/"
    own = {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}
    path = checkpoint.with_name("judged.safetensors")
    checkpoints.write_tensors(path, own)
    ratio: float = judge.frechet_ratio(judge.look_at(judge.painted(line, path)))
    return ratio


def _table(recipe: str, pairs: list[Pair]) -> str:
    rows = [f"| {recipe}: seed | epoch of best | ratio of best | of latest | measurements | share of the time |"]
    rows.append("|---|---|---|---|---|---|")
    rows += [
        f"| {one.seed} | {one.best_epoch} of {one.epochs} | {one.best:.2f} | {one.latest:.2f} | {one.measurements} "
        f"| {100 * one.share:.1f} % |"
        for one in pairs
    ]
    better, same = sum(one.best < one.latest for one in pairs), sum(one.same for one in pairs)
    counts = f"better: {better}, the same checkpoint: {same}, together {better + same} of {len(pairs)}"
    return "\n".join([*rows, counts])


if __name__ == "__main__":
    main()
