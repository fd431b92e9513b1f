"""Sampling from a translator: the first images of a data set, in the other domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from models.messages import Failures, Misfits
from models.wire import File
from trainers import data
from trainers.assembly import domains
from trainers.data.loader import ImageFeed
from trainers.data.preprocessing import Preprocessing
from trainers.data.rng import Draws
from trainers.methods.steps import generate
from trainers.outputs import png, weights
from trainers.process.errors import InvalidDatasetError, TrainerError
from trainers.process.reporter import PNG, ZIP
from trainers.process.spec import as_params

if TYPE_CHECKING:
    from trainers.data.images import Images
    from trainers.loop.checkpoints import CheckpointMeta, Snapshot
    from trainers.process.reporter import Reporter
    from trainers.process.spec import SampleSpec

# One at a time. Instance normalisation keeps images apart, but kernels may sum in another order for another batch size.
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
        raise TrainerError(Failures.nothing_to_translate())
    meta = snapshot.meta
    # 1. Images as the translator was trained with them: their size, crop and normalisation are the checkpoint's.
    channels, _, size = meta["shape"]
    params = as_params(meta["params"])
    parts = data.load(spec.dataset, spec.data_roots, spec.cache, size, params.crop, reporter.info, reporter.preparing)
    images = _sources(parts, len(spec.dataset.classes), spec.params.direction)
    if images.pixels.shape[1] != channels:
        raise InvalidDatasetError(
            Misfits.translator_channels(name=spec.dataset.name, channels=images.pixels.shape[1], wanted=channels)
        )
    # 2. The generator of the wanted direction, and the images in the order of the data set.
    name = "generator_ab" if spec.params.direction == "a_to_b" else "generator_ba"
    generator = weights.restore(spec.recipe, snapshot, name, spec.bounds).to(device)
    preprocessing = Preprocessing(params.normalize_mean, params.normalize_std, size)
    feed = ImageFeed([images], 1, Draws(0, 0, device), preprocessing)
    chosen = torch.arange(min(spec.params.count, len(images)))
    # 3. Translate: [1, C, size, size] bytes -> normalised -> translated -> bytes.
    translated = []
    for numbers in torch.split(chosen, _AT_ONCE):
        if reporter.should_stop():
            return False
        reporter.drawing()
        made = generate(generator, feed.normalise(feed.plain(numbers)))
        translated.append(png.to_bytes(made, preprocessing.mean, preprocessing.std))
    _hand_over(spec, meta, feed.plain(chosen).cpu(), torch.cat(translated), reporter)
    return True


def _sources(parts: dict[str, Images], classes: int, direction: str) -> Images:
    """Return the images to translate: test images of the domain, if there are any; without domains, all images."""
    part = "test" if {"test", "testA", "testB"} & parts.keys() else "train"
    if f"{part}A" not in parts and parts[part].labels is None:
        return parts[part]
    a, b = domains(parts, classes, part)
    return a if direction == "a_to_b" else b


def _hand_over(
    spec: SampleSpec, meta: CheckpointMeta, before: torch.Tensor, after: torch.Tensor, reporter: Reporter
) -> None:
    """Report a grid of the first images beside their translations, and a zip of all translations."""
    # [n, C, H, W] twice -> [n, 2, C, H, W] -> [2 n, C, H, W]: each original before its translation.
    pairs = torch.stack([before[:_PAIRS_SHOWN], after[:_PAIRS_SHOWN]], 1).flatten(0, 1)
    grid = png.png(png.tile(pairs, min(len(pairs), 2 * _PAIRS_A_ROW)))
    for name, content, kind in (
        (f"{spec.params.direction}.png", grid, PNG),
        (f"{spec.params.direction}.zip", png.zip_of_pngs(after, reporter.drawing), ZIP),
    ):
        path = png.write(spec.scratch / name, content)
        reporter.file(File("samples", path, meta["step"], meta["epoch"], kind))
