"""What is measured of each recipe: the published settings, at the published batch size, on the data at hand."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import data
from models.compatibility import image_size
from models.recipes import RECIPES, resolve_params

# So that no grid or checkpoint falls into what is measured, unless it is what is measured.
NEVER = {"epochs": 100_000}
ENDLESS = 10**12  # images: more than anybody waits for, so that no schedule moves


@dataclass(frozen=True)
class Measured:
    """A preset with what this machine's data or patience ask to be changed; a limit from the issue, if there is one."""

    preset: str | None = None
    changes: dict[str, Any] = field(default_factory=dict)
    source: bool = False  # whether benchmarks/sources restates its loop
    # How many times as fast as the source's loop the recipe's own defaults should be, by the precision they compute in.
    least: dict[str, float] = field(default_factory=dict)


MEASURED = {
    "mlp_gan": Measured("laotou", source=True, least={"bfloat16": 4.0, "float32": 2.2}),
    "dcgan": Measured("ithome", source=True, least={"bfloat16": 2.6, "float32": 1.8}),
    # The source's first 25 iterations take a hundred critic steps each; what is measured is what comes after.
    "wgan": Measured("fastai_lsun", {"boost_steps": None}, source=True),
    # There are no faces in digits to cut out.
    "wgan_gp": Measured("celeba", {"crop": "center"}, source=True),
    "darknet": Measured("fastai_cifar10", source=True),
    "dcgan64": Measured("celeba", {"crop": "center"}),
    "began": Measured("celeba", {"crop": "center"}),
    "r3gan": Measured(),
    # At 256 pixels one iteration takes two cores a quarter of a minute; the paper's networks for 128 have six blocks.
    "cyclegan": Measured("horse2zebra", {"image_size": 128, "blocks": None, "jitter": None}),
}
# What people run who set nothing: with one batch of fakes for both players.
DEFAULTS = ("mlp_gan", "dcgan")


def resolved(recipe: str, preset: str | None, dataset: str, **changes: Any) -> dict[str, Any]:
    """Return all parameters, as the API resolves them for this data set."""
    known = RECIPES[recipe]
    found = data.described(dataset)
    params = resolve_params(known, known.preset(preset) if preset else None, changes)
    view = {**found, "images": sum(found["parts"].values())}
    return {**params.model_dump(mode="json"), "image_size": image_size(known, view, params)}


def spec(recipe: str, params: dict[str, Any], dataset: str, folder: Path, device: str = "cpu") -> dict[str, Any]:
    """Return the line that a trainer begins with; everything it writes goes below the folder."""
    return {
        "kind": "train",
        "job": "bench",
        "attempt": 1,
        "recipe": recipe,
        "params": params,
        "seed": 0,
        "dataset": data.described(dataset),
        "data_roots": data.roots(),
        "cache": str(folder / "cache"),
        "device": device,
        "threads": len(os.sched_getaffinity(0)),
        "scratch": str(folder / "scratch"),
        "resume": None,
        "stop_after_s": None,
    }
