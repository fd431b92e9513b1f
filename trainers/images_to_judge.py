"""The images of an evaluation: real ones in two parts, and those that are judged, all of one size.

Generated images are compared with real ones as the generator was shown them: of the same size, cropped alike. A black
frame around both would say nothing, so it is cut off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterator, NamedTuple, cast

import torch

from models.messages import Misfits
from trainers import data
from trainers.data.images import every_tenth
from trainers.data.prepare import Squaring
from trainers.data.rng import Draws
from trainers.loop import weights
from trainers.methods.steps import generate
from trainers.outputs import png
from trainers.process.errors import InvalidDatasetError
from trainers.process.spec import as_params
from trainers.sample import NOISES, noises

if TYPE_CHECKING:
    from models.specs.base import NoiseParams
    from models.wire import DatasetSpec
    from trainers.data.images import Images
    from trainers.loop.checkpoints import Snapshot
    from trainers.process.reporter import Reporter
    from trainers.process.spec import EvaluateSpec

# Images of a block. Between two blocks an attempt can be stopped.
BLOCK = 256
# More real images than this make the figures no better, and take time and memory.
MOST_TRAIN, MOST_TEST = 50_000, 10_000
# Larger images are scaled to the extractor's size while they are read.
_LARGEST = 256

Blocks = Iterator[torch.Tensor]


class Pictures(NamedTuple):
    """Some images [n, C, size, size] uint8, in blocks: n, and what yields the blocks."""

    number: int
    blocks: Blocks


class Material(NamedTuple):
    """Everything that an evaluation looks at.

    ``held_out`` tells whether the generator was trained without the images of ``test``; ``step`` and ``epoch`` are
    those of the checkpoint.
    """

    judged: Pictures
    train: Pictures
    test: Pictures
    held_out: bool
    step: int = 0
    epoch: int = 0


def of_dataset(spec: EvaluateSpec, images: DatasetSpec, size: int, reporter: Reporter) -> Material:
    """Return the images of a data set with the reference, at the reference's size, or at ``size`` if that is no square.

    Raises:
        InvalidDatasetError: a file is missing or damaged, or the channels differ.
    """
    _, height, width = spec.dataset.shape
    side = height if height == width <= _LARGEST else size
    draws = Draws(spec.params.seed, 0, torch.device("cpu"))
    given = data.load(
        images, spec.data_roots, spec.cache, side, "center", reporter.info, reporter.preparing, frame=False
    )
    # The parts one after another, and of all images some at random: files are often sorted by their class.
    total = sum(map(len, given.values()))
    chosen = draws.permutation(total, "judged")[: spec.params.count].sort().values
    judged = Pictures(len(chosen), _of_parts(list(given.values()), chosen))
    parts = data.load(
        spec.dataset, spec.data_roots, spec.cache, side, "center", reporter.info, reporter.preparing, frame=False
    )
    return _material(spec, judged, parts, images.shape[0], draws)


def of_checkpoint(spec: EvaluateSpec, snapshot: Snapshot, device: torch.device, reporter: Reporter) -> Material:
    """Return the images that a checkpoint generates, with the reference as the generator saw it.

    Noise is that of a sampling job with the same seed: it draws the very images that were judged.

    Raises:
        CheckpointCorruptError: the checkpoint does not describe its networks.
        InvalidDatasetError: a file is missing or damaged, or the channels differ.
    """
    generator = weights.restore(str(spec.recipe), snapshot, "generator", spec.bounds).to(device)
    meta = snapshot.meta
    params = cast("NoiseParams", as_params(meta["params"]))
    channels, _, size = meta["shape"]
    # 1. The reference: without the frame that the training put around it, which is cut off below.
    _, height, width = spec.dataset.shape
    framed = height == width and Squaring.of(spec.dataset, size, params.crop, None).frame
    side = height if framed else size
    parts = data.load(spec.dataset, spec.data_roots, spec.cache, side, params.crop, reporter.info, reporter.preparing)
    # 2. Images as bytes, in batches of [64, C, side, side].
    count, edge = spec.params.count, (size - side) // 2
    draws = Draws(spec.params.seed, 0, device)

    def blocks() -> Blocks:
        left = count
        for number in range(-(-count // NOISES)):
            made = generate(generator, noises(draws, number, params.noise_dim))  # [64, C, size, size]
            images = png.to_bytes(made, params.normalize_mean, params.normalize_std)[:left]
            left -= len(images)
            yield images[:, :, edge : edge + side, edge : edge + side]

    judged = Pictures(count, blocks())
    material = _material(spec, judged, parts, channels, draws)
    # With `split` all it was trained on the test images too.
    held_out = material.held_out and params.split == "train"
    return material._replace(step=meta["step"], epoch=meta["epoch"], held_out=held_out)


def _material(spec: EvaluateSpec, judged: Pictures, parts: dict[str, Images], channels: int, draws: Draws) -> Material:
    """Put the reference beside what is judged: training images, and images that no training has shown."""
    train = parts.get("train")
    if train is None:
        raise InvalidDatasetError(Misfits.no_reference(name=spec.dataset.name, parts=", ".join(parts)))
    if train.pixels.shape[1] != channels:
        raise InvalidDatasetError(
            Misfits.judged_channels(name=spec.dataset.name, channels=train.pixels.shape[1], wanted=channels)
        )
    if "test" in parts:
        rows, others, kept = torch.arange(len(train)), parts["test"], torch.arange(len(parts["test"]))
    else:
        out = every_tenth(len(train))
        rows, others, kept = torch.where(~out)[0], train, torch.where(out)[0]
    rows, kept = _some(rows, MOST_TRAIN, draws, 0), _some(kept, MOST_TEST, draws, 1)
    return Material(
        judged,
        Pictures(len(rows), _of_parts([train], rows)),
        Pictures(len(kept), _of_parts([others], kept)),
        "test" in parts,
    )


def _some(rows: torch.Tensor, most: int, draws: Draws, number: int) -> torch.Tensor:
    """Return at most so many of the rows, chosen at random, in their order."""
    if len(rows) <= most:
        return rows
    return rows[draws.permutation(len(rows), "reference", number)[:most].sort().values]


def _of_parts(parts: list[Images], chosen: torch.Tensor) -> Blocks:
    """Yield the chosen images, numbered through all parts and rising, in blocks [at most BLOCK, C, size, size]."""
    first = 0
    for part in parts:
        here = chosen[(chosen >= first) & (chosen < first + len(part))] - first
        first += len(part)
        # Some at a time: the pixels may be a map of a file.
        yield from (part.take(rows) for rows in torch.split(here, BLOCK) if len(rows))
