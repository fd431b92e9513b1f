"""The run that nothing disturbs: what the weights must be in the end, whatever happened on the way."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from models.recipes import RECIPES, resolve_params
from packing.layouts import KNOWN
from stores.infra.blobs import sha256_of

# Checkpoints come often, so that a fault falls on one; grids are few, since they cost more than they tell here.
PARAMS: dict[str, Any] = {
    "width": 8,
    "epochs": 10,
    "checkpoint_every": {"steps": 70},
    "grid_every": {"epochs": 10},
    "metrics_every": {"steps": 5},
}
SEED = 1


def weights(folder: Path, params: dict[str, Any] = PARAMS, seed: int = SEED) -> dict[str, str]:
    """Return the checksums of the final weights, by file name, of a bare trainer."""
    spec = {
        "kind": "train",
        "job": "calm",
        "attempt": 1,
        "recipe": "mlp_gan",
        "params": resolve_params(RECIPES["mlp_gan"], None, params).model_dump(mode="json"),
        "seed": seed,
        "dataset": KNOWN["mnist-10k"].as_spec(),
        "data_roots": [],
        "cache": str(folder / "cache"),
        "device": "cpu",
        "threads": 1,
        "scratch": str(folder),
        "resume": None,
        "stop_after_s": None,
    }
    command = [sys.executable, "-m", "trainers"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as trainer:
        assert trainer.stdin is not None
        assert trainer.stdout is not None
        trainer.stdin.write(json.dumps(spec) + "\n")
        # The pipe stays open until the last word: its end would end the trainer.
        trainer.stdin.flush()
        last = [json.loads(line) for line in trainer.stdout][-1]
    assert last["type"] == "done", last
    return {path.name: sha256_of(path) for path in folder.glob("*or.safetensors")}
