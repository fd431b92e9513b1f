"""`python -m benchmarks.quality [NAME …]`: what recipes have learned after some minutes, told by a classifier.

A `darknet` is trained on the data first; it judges every recipe's images. One JSON line a figure, a table at the end;
the last grid of each recipe goes to docs/pictures.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import data
from benchmarks.comparison_processes import sides
from benchmarks.recipes import MEASURED, NEVER, resolved, spec
from benchmarks.service import emit

# A name, the report of a training if there was one, and what the judge said.
Row = tuple[str, dict[str, Any] | None, dict[str, Any]]
USUAL = ("mlp_gan", "dcgan", "wgan_gp", "r3gan")
PAINTERS = tuple(name for name in MEASURED if name not in ("cyclegan", "darknet"))
_PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
_LARGEST_PICTURE = 100_000
_PROBE_S = 8.0
# Passes that make a classifier good enough to judge: Fashion-MNIST has more images, so fewer of them.
_JUDGE_EPOCHS = {"mnist-10k": 6, "mnist": 2, "fashion-mnist": 3}
_TARGET_ACCURACY = {"fashion-mnist": 0.91}
_NO_CHECKPOINTS: dict[str, Any] = {"checkpoint_every": NEVER}


def main() -> None:
    """Train the judge, then every recipe, and print what it says."""
    asked = _arguments()
    with tempfile.TemporaryDirectory(prefix="ganforge-bench-") as name:
        line, report = _judge(asked, Path(name))
        from benchmarks.classifier_judge import Judge, grid, painted  # noqa: PLC0415 - nothing holds torch while the judge trains

        judge = Judge(line)
        accuracy = {"accuracy": round(report["accuracy"], 4), "test_loss": round(report["test_loss"], 4)}
        facts = {"dataset": asked.dataset, "epochs": report["epochs"], "seconds": report["seconds"]}
        emit("quality_judge", **facts, **accuracy, target_min_accuracy=_TARGET_ACCURACY.get(asked.dataset))
        real = judge.figures(judge.train)
        emit("quality_real", **real)
        rows: list[Row] = [("real training images", None, real)]
        for recipe in asked.names or USUAL:
            line, report = _paint(recipe, asked, Path(name))
            figures = judge.figures(judge.look_at(painted(line, asked.samples)))
            rows.append((recipe, report, figures))
            facts = {"recipe": recipe, **{key: report[key] for key in ("epochs", "images", "seconds", "alerts")}}
            emit("quality", **facts, samples=asked.samples, **figures)
            _keep(grid(Path(line["scratch"])), asked.pictures / f"quality-{recipe}.png")
    print(_table(rows))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(PAINTERS)}; usually {USUAL}")
    parser.add_argument("--dataset", default="mnist-10k", choices=data.IDX)
    parser.add_argument("--minutes", type=float, default=3.0, help="how long each recipe trains")
    parser.add_argument("--samples", type=int, default=1000, help="how many images are judged")
    parser.add_argument("--judge-epochs", type=int, help="passes over the data for the judge")
    parser.add_argument("--judge-params", type=json.loads, default={}, metavar="JSON", help="the judge's parameters")
    parser.add_argument("--pictures", type=Path, default=_PICTURES, help="where the last grids are put")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    asked = parser.parse_args()
    unknown = [name for name in asked.names if name not in PAINTERS]
    if unknown:
        parser.error(f"nothing that paints is named {', '.join(unknown)}; there are {', '.join(PAINTERS)}")
    return asked


def _judge(asked: argparse.Namespace, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    epochs = asked.judge_epochs or _JUDGE_EPOCHS[asked.dataset]
    params = resolved("darknet", None, asked.dataset, **{**_NO_CHECKPOINTS, "epochs": epochs, **asked.judge_params})
    return _train("darknet", params, asked, folder)


def _paint(recipe: str, asked: argparse.Namespace, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Train for the time that was given: as many images as fit in, so that every schedule runs to its end."""
    endless = resolved(recipe, None, asked.dataset, images=10**12, grid_every=NEVER, **_NO_CHECKPOINTS)
    probing = ["ours", recipe, asked.dataset, str(folder), asked.device, json.dumps(endless)]
    with sides([probing]) as (side,):
        side.round(_PROBE_S / 4)
        rate = side.round(_PROBE_S)["rate"]
    images = max(2 * endless["batch_size"], int(60 * asked.minutes * rate))
    params = resolved(recipe, None, asked.dataset, images=images, **_NO_CHECKPOINTS)
    return _train(recipe, params, asked, folder)


def _train(
    recipe: str, params: dict[str, Any], asked: argparse.Namespace, folder: Path
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run the trainer's own process to its end; return the line it began with, and its report."""
    line = spec(recipe, params, asked.dataset, folder / recipe, asked.device)
    trainer = subprocess.Popen(
        [sys.executable, "-m", "trainers"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    try:
        assert trainer.stdin is not None
        # Its input stays open: the end of it would be the end of the trainer.
        trainer.stdin.write(json.dumps(line) + "\n")
        trainer.stdin.flush()
        if trainer.wait():
            raise SystemExit(f"the training of {recipe} failed; its words are above")
    finally:
        trainer.kill()
        trainer.communicate()
    report: dict[str, Any] = json.loads((Path(line["scratch"]) / "report.json").read_text())
    return line, report


def _keep(grid: Path, path: Path) -> None:
    content = grid.read_bytes()
    assert len(content) < _LARGEST_PICTURE, f"{grid} has {len(content)} bytes, too many for the repository"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _table(rows: list[Row]) -> str:
    """Return what was found as Markdown."""
    lines = [
        "| images | epochs | classes present | KL to uniform, nats | judge's confidence | Fréchet ratio | alerts |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, report, said in rows:
        epochs, alerts = ("", "") if report is None else (report["epochs"], ", ".join(sorted(set(report["alerts"]))))
        figures = [said[key] for key in ("kl_to_uniform_nats", "confidence", "frechet_ratio")]
        cells = [name, epochs, f"{100 * said['classes_present']:.0f} %", *figures, alerts or "none"]
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
