"""Records labelled runs for the tests of alarms: `python -m tests.trainers.alarms.record FOLDER [RUN ...]`.

A run is `recipe-fault-seed`. Without any, all of `LABELS` are recorded that are not in the folder yet. Runs are small:
most take less than a minute on one core.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, cast

import torch

from models.compatibility import image_size
from models.recipes import RECIPES, resolve_params
from packing.layouts import KNOWN
from tests.trainers.alarms.labels import LABELS
from tests.trainers.alarms.series import Series
from trainers import data
from trainers.assembly import assemble, stored_size
from trainers.data.images import Images
from trainers.data.rng import Draws
from trainers.loop.budget import Budget
from trainers.loop.looks import Looks
from trainers.methods import Method
from trainers.methods.adversarial import Adversarial
from trainers.process.spec import TrainSpec, parse

SIZE_16: dict[str, Any] = {"image_size": 16, "width": 8, "batch_size": 32, "d_steps": 2}
SMALL: dict[str, dict[str, Any]] = {
    "dcgan": {"width": 8, "batch_size": 32, "learning_rate": 2e-3, "d_learning_rate": 5e-4, "init": "default"},
    "mlp_gan": {"width": 16, "batch_size": 64, "d_learning_rate": 3e-4},
    "compact": {"width": 4, "batch_size": 32},
    "wgan_gp": {**SIZE_16, "learning_rate": 1e-3, "d_learning_rate": 1e-3},
    "wgan": {**SIZE_16, "learning_rate": 5e-4, "d_learning_rate": 5e-4},
    "began": {"image_size": 16, "width": 8, "batch_size": 16, "learning_rate": 5e-4},
    "r3gan": {"image_size": 16, "width": 8},
}
# How many real images a run sees, where 26,000 are too many or too few.
IMAGES = {
    ("mlp_gan", "healthy"): 60_000,
    ("dcgan", "healthy"): 30_000,
    ("dcgan", "one_class"): 46_000,
    ("wgan_gp", "one_class"): 36_000,
    ("wgan_gp", "ten_images"): 40_000,
    ("dcgan", "d_rate"): 8_000,
    ("smooth", "d_rate"): 8_000,
    ("mlp_gan", "nan"): 8_000,
    ("compact", "healthy"): 40_000,
    ("wgan", "healthy"): 40_000,
    ("wgan_gp", "healthy"): 40_000,
}
TEN = 10


def spec_of(recipe: str, fault: str, seed: int) -> TrainSpec:
    """Return the spec of a run on the built-in digits."""
    images = {"images": IMAGES.get((recipe, fault), 26_000)}
    smoothing = {"label_smoothing": 0.1} if recipe == "smooth" else {}
    name = "dcgan" if recipe == "smooth" else recipe
    small = {**SMALL[name], **images, **smoothing}
    if fault == "d_rate":
        # Thirty times the recipe's own rate.
        small |= {"learning_rate": 2e-4, "d_learning_rate": 30 * 2e-4}
    if fault == "g_frozen":
        small["g_learning_rate"] = 1e-12
    known = KNOWN["mnist-10k"]
    facts = {"shape": list(known.shape), "classes": list(known.classes), "parts": dict(known.parts)}
    params = resolve_params(RECIPES[name], None, small)
    size = image_size(RECIPES[name], {**facts, "images": sum(known.parts.values())}, params)
    line = {
        "kind": "train",
        "job": "job_recorded",
        "attempt": 1,
        "recipe": name,
        "params": {**params.model_dump(mode="json"), "image_size": size, "precision": "float32"},
        "seed": seed,
        "dataset": {"name": known.name, "source": known.source, "layout": known.layout, "folder": known.folder} | facts,
        "data_roots": [],
        "cache": "/nonexistent",
        "device": "cpu",
        "threads": 1,
        "scratch": "/nonexistent",
    }
    return cast(TrainSpec, parse(json.dumps(line)))


def spoil(fault: str, parts: dict[str, Images]) -> dict[str, Images]:
    """Return the data of a faulty run: images of one class, or ten images again and again."""
    train = parts["train"]
    if fault == "one_class":
        assert train.labels is not None
        return {**parts, "train": train.only(train.labels == 3)}
    if fault == "ten_images":
        assert train.labels is not None
        again = Images(train.pixels[:TEN].repeat(100, 1, 1, 1), train.labels[:TEN].repeat(100))
        return {**parts, "train": again}
    return parts


def quantise(method: Adversarial, vectors: int) -> None:
    """Let a generator see only a few noise vectors, in training and in looks."""
    feed, length = method.feed, method.params.noise_dim
    table = feed.draws.normal((vectors, length), "few")

    def noise(images: int, step: int, n: int) -> torch.Tensor:
        return table[feed.draws.integers(vectors, images, "which", step, n)]

    method._noise = noise  # type: ignore[method-assign]
    assert method.live_look is not None
    method.live_look.noise = table[torch.arange(len(method.live_look.noise)) % vectors]


def record(recipe: str, fault: str, seed: int) -> Series:
    """Train, and return what alarms would have seen."""
    spec = spec_of(recipe, fault, seed)
    parts = spoil(fault, dict(data.load(spec.dataset, (), spec.cache, stored_size(spec))))
    built = assemble(spec, parts, Draws(seed, 0, torch.device("cpu")), "float32").method
    method: Method = built
    if fault.startswith("noise"):
        assert isinstance(built, Adversarial)
        quantise(built, int(fault[len("noise") :]))
    looks, budget = Looks(method.live_look, method.feed.batch_size), Budget(spec.params, method)
    rows, seen, step = [], {}, 0
    while not budget.used:
        before = method.feed.sampler.seen
        rows.append(method.step(budget.iteration(step)).tolist())
        step += 1
        if looks.due(before, method.feed.sampler.seen):
            looks.take(step)
            seen[step] = list(looks.read(step) or ())
        if fault == "nan" and step == budget.steps // 2:
            with torch.no_grad():
                next(method.networks["discriminator"].parameters()).fill_(torch.nan)
    columns = {name: list(column) for name, column in zip(method.metrics, zip(*rows, strict=True), strict=True)}
    images = method.feed.sampler.seen // step
    return Series(method.d_output.value, images, spec.params.label_smoothing, columns, seen)


def main(folder: Path, wanted: list[str]) -> None:
    """Record runs into a folder."""
    torch.set_num_threads(1)
    for name in wanted or LABELS:
        path = folder / f"{name}.xz"
        if not path.exists():
            recipe, fault, seed = name.split("-")
            record(recipe, fault, int(seed)).write(path)
            sys.stdout.write(f"{name} {path.stat().st_size}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
