"""`python -m tools.packaged_extractors [NAME]`: train the extractors in the package anew.

Trains a `darknet` on each built-in data set, keeps what an extractor needs of its best checkpoint, and prints the line
for models/extractors.py. Figures with the new extractor cannot be compared with earlier ones.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

from models import wire
from models.compatibility import image_size
from models.recipes import RECIPES, resolve_params
from models.specs.parameter_markers import bounds
from packing.layouts import KNOWN
from trainers.judging import extractor
from trainers.loop import checkpoints

# By measurement: 99.0 % of the test images are right after 20 epochs, 97.6 % after 8. The file has 0.85 MB.
PARAMS: dict[str, dict[str, Any]] = {"mnist-10k": {"width": 8, "epochs": 20, "precision": "float32"}}


def main() -> None:
    """Train the extractors that are asked for, or all of them."""
    for name in sys.argv[1:] or PARAMS:
        path = extractor.PACKAGE / f"{name}.safetensors"
        with tempfile.TemporaryDirectory() as folder:
            checkpoints.write(path, stripped(checkpoints.read(_trained(name, Path(folder)))))
        path.chmod(0o644)  # trainers in an image have another user
        spec = wire.ExtractorSpec(name, path, bounds=bounds(RECIPES["darknet"].params))
        made = extractor.load(spec, torch.device("cpu"))
        print(f'"{name}": PackagedExtractor(Path("{path.name}"), "{made.sha256}", {made.accuracy}),')


def stripped(snapshot: checkpoints.Snapshot) -> checkpoints.Snapshot:
    """Return the classifier of a checkpoint without the state of its training."""
    tensors = {name: value for name, value in snapshot.tensors.items() if name.startswith(("networks/", "extras/"))}
    described = ("recipe", "params", "dataset", "shape", "classes", "seed", "step", "epoch", "stop")
    meta: Any = {name: snapshot.meta[name] for name in described}  # type: ignore[literal-required]
    return checkpoints.Snapshot(tensors, meta)


def _trained(name: str, folder: Path) -> Path:
    """Train in a trainer's own process; return its best checkpoint."""
    recipe, known = RECIPES["darknet"], KNOWN[name]
    params = resolve_params(recipe, None, PARAMS[name])
    view = {**known.as_spec(), "images": known.images}
    spec = {
        "kind": "train",
        "job": "extractor",
        "attempt": 1,
        "recipe": recipe.name,
        "params": {**params.model_dump(mode="json"), "image_size": image_size(recipe, view, params)},
        "seed": 0,
        "dataset": known.as_spec(),
        "data_roots": [],
        "cache": str(folder),
        "device": "cpu",
        "threads": len(os.sched_getaffinity(0)),
        "scratch": str(folder),
    }
    best = None
    with subprocess.Popen([sys.executable, "-m", "trainers"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as trainer:
        if trainer.stdin is None or trainer.stdout is None:
            raise SystemExit("no pipes to the trainer")
        # Its input stays open: the end of it would be the end of the trainer.
        trainer.stdin.write(json.dumps(spec).encode() + b"\n")
        trainer.stdin.flush()
        for line in trainer.stdout:
            message = wire.read_message(line)
            if isinstance(message, wire.File) and message.kind == "checkpoint" and message.best:
                best = message.path
    if trainer.returncode or best is None:
        raise SystemExit("the training failed; its words are above")
    return best


if __name__ == "__main__":
    main()
