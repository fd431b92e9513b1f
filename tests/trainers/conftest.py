"""Small real data in the real format, specs as the supervisor writes them, and whole attempts in this process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from packing.layouts import idx
from tests.trainers.attempts import DEVICE, write_digits
from trainers import data


@pytest.fixture(scope="session")
def digits() -> Any:
    """The first 200 real digits, (200, 28, 28) uint8."""
    folder = data.BUILTIN_ROOT / "mnist10k/MNIST/raw"
    path = idx.find(folder, "train-images-idx3-ubyte")
    assert path is not None
    return np.frombuffer(idx.read(path, (9000, 28, 28)), np.uint8).reshape(9000, 28, 28)[:200]


@pytest.fixture(scope="session")
def data_root(digits: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with 160 training and 40 test images in MNIST's layout."""
    root = tmp_path_factory.mktemp("data")
    path = idx.find(data.BUILTIN_ROOT / "mnist10k/MNIST/raw", "train-labels-idx1-ubyte")
    assert path is not None
    labels = np.frombuffer(idx.read(path, (9000,)), np.uint8)[:200]
    write_digits(root / "MNIST/raw", digits[:160], digits[160:], (labels[:160], labels[160:]))
    return root


@pytest.fixture
def make_spec(data_root: Path, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Return a function that makes the spec line of a small training: 10 steps an epoch."""
    return spec_maker(data_root, tmp_path)


def spec_maker(data_root: Path, folder: Path) -> Callable[..., dict[str, Any]]:
    """Return what `make_spec` returns, with its files below a folder that outlives a test."""
    from models.compatibility import image_size
    from models.recipes import RECIPES, resolve_params

    folders = iter(range(1000))

    def make(
        recipe: str = "mlp_gan", *, resume: str | Path | None = None, seed: int = 0, **params: Any
    ) -> dict[str, Any]:
        small = {"batch_size": 16, "width": 4, "noise_dim": 8, "epochs": 2, **params}
        if "images" in params:
            small.pop("epochs")
        if recipe in ("cyclegan", "darknet"):
            small.pop("noise_dim")
        view = {"shape": [1, 28, 28], "classes": list("0123456789"), "parts": {"train": 160, "test": 40}, "images": 200}
        asked = resolve_params(RECIPES[recipe], None, small)
        size = image_size(RECIPES[recipe], view, asked)
        resolved = {**asked.model_dump(mode="json"), "image_size": size}
        scratch = folder / f"attempt-{next(folders)}"
        scratch.mkdir()
        dataset = {"name": "small", "source": "found", "layout": "idx", "folder": "MNIST/raw", "shape": [1, 28, 28]}
        return {
            "kind": "train",
            "job": "job_test",
            "attempt": 1,
            "recipe": recipe,
            "params": resolved,
            "seed": seed,
            "dataset": {**dataset, "classes": [str(n) for n in range(10)], "parts": {"train": 160, "test": 40}},
            "data_roots": [str(data_root)],
            "cache": str(folder / "cache"),
            "device": DEVICE,
            "threads": 1,
            "scratch": str(scratch),
            "resume": str(resume) if resume else None,
            "stop_after_s": None,
        }

    return make


@pytest.fixture(autouse=True)
def _denormal_numbers() -> Iterator[None]:
    """Give the process its smallest numbers back, which a trainer does without: other tests run in it too."""
    yield
    torch.set_flush_denormal(False)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Let a test use one thread, unless it asks for more: beside other tests, two wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
    torch.set_deterministic_debug_mode("default")


@pytest.fixture
def train_small(make_spec: Callable[..., dict[str, Any]]) -> Callable[..., Any]:
    """Return a function that runs a small attempt to its end in this process."""
    from tests.trainers.attempts import Attempt

    def run(recipe: str = "mlp_gan", *, stop_at_step: int | None = None, **given: Any) -> Attempt:
        return Attempt.run(json.dumps(make_spec(recipe, **given)), stop_at_step)

    return run
