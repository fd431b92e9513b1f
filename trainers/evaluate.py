"""An evaluation's attempt: images against real ones, the report card, and its pictures."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import interpolate

from models.messages import Failures
from models.wire import File, Progress
from trainers.device import devices
from trainers.evaluation_files import Findings, Measure
from trainers.images_to_judge import Material, Pictures, of_checkpoint, of_dataset
from trainers.judging import extractor as extractors
from trainers.judging.card import judge
from trainers.judging.real_ranges import real_ranges
from trainers.judging.reference import Judged, Reference
from trainers.loop import checkpoints
from trainers.outputs import png
from trainers.process.errors import TrainerError

if TYPE_CHECKING:
    from trainers.judging.extractor import Extractor
    from trainers.process.reporter import Reporter
    from trainers.process.spec import EvaluateSpec

# Larger images are kept at this size, for their pictures and for distances between pixels.
_KEPT_SIZE = 64
# The shares of the work that are done when all images were looked at, when real ones were compared, and then all.
_LOOKED, _COMPARED, _JUDGED = 0.4, 0.65, 0.9
_TELL_EVERY_S = 0.5


class StopAskedError(Exception):
    """Somebody asked for the end of this attempt."""


def evaluate(spec: EvaluateSpec, reporter: Reporter) -> None:
    """Run an attempt; ends with `done` or `stopped`.

    Raises:
        TrainerError: the checkpoint, a data set or the extractor are no good.
        RuntimeError: torch found no memory, or something else went wrong.
    """
    reporter.alive("compiling")
    device = devices.prepare(spec.device, spec.threads, exact=True)
    extractor = extractors.load(spec.extractor, device)
    # 1. What is judged, and what it is compared with. Images are read and generated block by block, later.
    reporter.preparing()
    if spec.checkpoint is not None:
        material = of_checkpoint(spec, checkpoints.read(spec.checkpoint), device, reporter)
    elif spec.images is not None:
        material = of_dataset(spec, spec.images, extractor.size, reporter)
    else:
        raise TrainerError(Failures.nothing_to_judge())
    looking = _Looking(extractor, material, reporter)
    reporter.started(0, looking.total, None, devices.name(device))
    try:
        # 2. Features of all images.
        judged, train, test = (looking.at(some) for some in (material.judged, material.train, material.test))
        # 3. What real images say of each other, and the judged ones beside them.
        reference = Reference(train, test, spec.params.seed, held_out=material.held_out)
        looking.reached(_COMPARED)
        card = judge(judged, reference)
        ranges = real_ranges(reference, card.count)
        looking.reached(_JUDGED)
    except StopAskedError:
        reporter.stopped()
        return
    findings = Findings(card, extractor, spec.dataset, material, Measure(ranges, reference.limit))
    # 4. Files, and what was measured.
    for file in findings.files(judged, train, test):
        reporter.alive("sampling")
        path = png.write(spec.scratch / file.name, file.content)
        reporter.file(File(file.kind, path, material.step, material.epoch, file.content_type))
    reporter.memory(devices.peak_memory(device))
    reporter.result(findings.result())
    reporter.done(None)


class _Looking:
    """Takes all images past the extractor, says how far that is, and stops between two blocks when asked to."""

    def __init__(self, extractor: Extractor, material: Material, reporter: Reporter) -> None:
        self.extractor = extractor
        self.reporter = reporter
        self.total = sum(some.number for some in (material.judged, material.train, material.test))
        self.seen = 0
        self.next = time.monotonic()

    def at(self, pictures: Pictures) -> Judged:
        """Look at images of one size.

        Raises:
            StopAskedError
        """
        pixels, features, probabilities = [], [], []
        for block in pictures.blocks:  # [at most 256, C, size, size] uint8
            self._stop_if_asked()
            self.reporter.alive("evaluating")
            seen = self.extractor.look_at(block)
            features.append(seen.features)
            if seen.probabilities is not None:
                probabilities.append(seen.probabilities)
            pixels.append(_small(block))
            self._tell(len(block))
        return Judged(torch.cat(pixels), torch.cat(features), torch.cat(probabilities) if probabilities else None)

    def reached(self, fraction: float) -> None:
        """Say that this share of the work is done.

        Raises:
            StopAskedError
        """
        self._say(fraction)
        self.reporter.alive("evaluating")
        self._stop_if_asked()

    def _stop_if_asked(self) -> None:
        if self.reporter.should_stop():
            raise StopAskedError

    def _tell(self, more: int) -> None:
        self.seen += more
        if time.monotonic() >= self.next:
            self.next = time.monotonic() + _TELL_EVERY_S
            self._say(_LOOKED * self.seen / self.total)

    def _say(self, fraction: float) -> None:
        self.reporter.progress(Progress(0, None, self.seen, self.total, self.seen, round(fraction, 6)))


def _small(pixels: torch.Tensor) -> torch.Tensor:
    """Return images [n, C, size, size] uint8 at the size that is kept."""
    if pixels.shape[-1] <= _KEPT_SIZE:
        # A copy: a block may be a window of a memory map.
        return pixels.clone()
    scaled = interpolate(pixels.float(), (_KEPT_SIZE, _KEPT_SIZE), mode="bilinear", antialias=True)
    return scaled.round().clamp(0, 255).to(torch.uint8)
