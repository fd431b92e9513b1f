"""The parameters of the job that makes an extractor: a small `darknet`, with a budget that suits the data set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.limits import HELD_OUT_EVERY

# Networks see sizes in this range; images of others are scaled.
_SMALLEST, _LARGEST, _WIDE = 16, 64, 32
# Pixels that are shown in the whole training: 20 passes over the built-in digits, some minutes of one core.
_PIXELS = 150_000_000
# An image is shown so often at most. Running statistics, which move by a hundredth a step, need some hundred steps.
_PASSES, _STEPS = 20, 400
# In four turns an image costs four times as much.
_TURNS = 4
# Batches of small data sets, so that an epoch has some steps.
_BATCH, _SMALL_BATCH, _SMALL_SET = 128, 32, 2000


def targets(dataset: Mapping[str, Any]) -> str:
    """Return what the network learns to name: classes where the data set has several, else quarter turns."""
    return "classes" if len(dataset["classes"]) > 1 else "rotations"


def extractor_params(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """Return the changes to the parameters of `darknet` for a data set, which is given as its view."""
    channels, height, width = dataset["shape"]
    own_size = height == width and _SMALLEST <= height <= _LARGEST
    size = height if own_size else max(_SMALLEST, min(height, width, _LARGEST))
    parts = dataset["parts"]
    train = parts.get("train", dataset["images"])
    if "test" not in parts:
        train -= train // HELD_OUT_EVERY
    named = targets(dataset)
    turned = named == "rotations"
    batch = _SMALL_BATCH if turned or train < _SMALL_SET else _BATCH
    shown = min(_PASSES * train, _PIXELS // (size * size)) // (_TURNS if turned else 1)
    return {
        "targets": named,
        "images": max(_STEPS * batch, shown),
        "batch_size": max(2, min(batch, train)),
        "image_size": size,
        # Small colour images have more to tell than grey ones; large ones would take too long.
        "width": 16 if channels > 1 and size <= _WIDE else 8,
        # High rates suit large batches. In four turns a small batch is a large one.
        "learning_rate": 0.1 if batch == _SMALL_BATCH and not turned else 0.4,
        "monitor": "accuracy",
    }
