"""Sampling from a translator: the first images of a data set, in the other domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from models.wire import File
from trainers import data
from trainers.assembly import domains
from trainers.data.loader import ImageFeed, Preprocessing
from trainers.data.rng import Draws
from trainers.methods.steps import generate
from trainers.outputs import png, weights
from trainers.process.errors import InvalidDatasetError, TrainerError
from trainers.process.reporter import PNG, ZIP

if TYPE_CHECKING:
    from trainers.data.images import Images
    from trainers.loop.checkpoints import CheckpointMeta, Snapshot
    from trainers.process.reporter import Reporter
    from trainers.process.spec import SampleSpec

# One at a time, as a translator is trained: with instance normalisation no image looks at another, but kernels may sum
# in another order for another number of them.
_AT_ONCE = 1
_PAIRS_SHOWN = 32
_PAIRS_A_ROW = 4


def translate(spec: SampleSpec, snapshot: Snapshot, device: torch.device, reporter: Reporter) -> bool:
    """Make a zip with one PNG for each image, and a grid of originals beside their translations.

    Return False if asked to stop.

    Raises:
        TrainerError: the data set does not fit the network, or a file is damaged.
    """
    if spec.dataset is None:
        raise TrainerError("there is no data set to translate")
    meta = snapshot.meta
    channels, _, size = meta["shape"]
    crop = meta["params"]["crop"]
    parts = data.load(spec.dataset, spec.data_roots, spec.cache, size, crop, reporter.info)
    images = _sources(parts, len(spec.dataset.classes), spec.params.direction)
    if images.pixels.shape[1] != channels:
        raise InvalidDatasetError(
            f"data set {spec.dataset.name} has {images.pixels.shape[1]} channels, the translator takes {channels}"
        )
    name = "generator_ab" if spec.params.direction == "a_to_b" else "generator_ba"
    generator = weights.restore(spec.recipe, snapshot, name).to(device)
    preprocessing = Preprocessing(meta["params"]["normalize_mean"], meta["params"]["normalize_std"], size)
    feed = ImageFeed([images], 1, Draws(0, 0, device), preprocessing)
    chosen = torch.arange(min(spec.params.count, len(images)))
    translated = []
    for numbers in torch.split(chosen, _AT_ONCE):
        if reporter.should_stop():
            return False
        made = generate(generator, feed.normalise(feed.plain(numbers)))
        translated.append(png.to_bytes(made, preprocessing.mean, preprocessing.std))
    _hand_over(spec, meta, feed.plain(chosen).cpu(), torch.cat(translated), reporter)
    return True


def _sources(parts: dict[str, Images], classes: int, direction: str) -> Images:
    """Return the images to translate: test images of the domain if there are any; of a single domain, all."""
    part = "test" if {"test", "testA", "testB"} & parts.keys() else "train"
    if f"{part}A" not in parts and parts[part].labels is None:
        return parts[part]
    a, b = domains(parts, classes, part)
    return a if direction == "a_to_b" else b


def _hand_over(
    spec: SampleSpec, meta: CheckpointMeta, before: torch.Tensor, after: torch.Tensor, reporter: Reporter
) -> None:
    pairs = torch.stack([before[:_PAIRS_SHOWN], after[:_PAIRS_SHOWN]], 1).flatten(0, 1)
    grid = png.png(png.tile(pairs, min(len(pairs), 2 * _PAIRS_A_ROW)))
    for name, content, kind in (
        (f"{spec.params.direction}.png", grid, PNG),
        (f"{spec.params.direction}.zip", png.zip_of_pngs(after), ZIP),
    ):
        path = png.write(spec.scratch / name, content)
        reporter.file(File("samples", path, meta["step"], meta["epoch"], kind))
