"""The quality of a generator's images while it trains, by an extractor: a quick look, the same one every time."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Callable, Iterator, NamedTuple

import torch

from models.messages import Logs
from trainers.data.images import every_tenth, middle
from trainers.judging import extractor
from trainers.judging.classes import divergence, histogram
from trainers.judging.frechet import Moments, frechet_distance, moments
from trainers.judging.neighbours import COVERAGE_NEIGHBOURS, coverage, radii
from trainers.judging.seen import Seen
from trainers.methods import output_network
from trainers.methods.adversarial import Adversarial
from trainers.methods.steps import generate
from trainers.outputs import png
from trainers.process.errors import TrainerError, out_of_memory

if TYPE_CHECKING:
    from models.wire import ExtractorSpec
    from trainers.data.images import Images
    from trainers.judging.extractor import Extractor
    from trainers.methods import Method
    from trainers.process.reporter import Reporter

# Generated images that are looked at: with fewer, epochs that differ by a few percent cannot be told apart.
COUNT = 500
# Sets of so many training images: one alone is up to a third nearer to the held-out ones, or farther, than the next.
_TRAIN_SETS = 3
# Held-out images that the Gaussian of real features is fitted to, where there are more.
MOST_HELD_OUT = 2000
# Fewer real images than this say nothing about their distribution.
LEAST = 4 * COVERAGE_NEIGHBOURS
# Images that are generated, or read, at a time: so few that a training that fits into memory leaves room for them.
_AT_ONCE = 100


class Chosen(NamedTuple):
    """Some images of a part."""

    images: Images
    rows: torch.Tensor  # [n] int64

    def blocks(self, size: int) -> Iterator[torch.Tensor]:
        """Yield their middle windows, [up to 100, C, size, size] uint8: they may be stored with a margin."""
        for rows in torch.split(self.rows, _AT_ONCE):
            yield middle(self.images.take(rows), size)


class Real(NamedTuple):
    """The real images that generated ones are compared with."""

    train: Chosen  # a few times as many as are generated, where there are so many
    held_out: Chosen


def real_images(parts: dict[str, Images]) -> Real:
    """Choose the real images, evenly spaced.

    Held out is the test part. Without one it is every tenth training image, which the training sees all the same.
    """
    train = parts["train"]
    if "test" in parts:
        rows, others, held = torch.arange(len(train)), parts["test"], torch.arange(len(parts["test"]))
    else:
        out = every_tenth(len(train))
        rows, others, held = torch.where(~out)[0], train, torch.where(out)[0]
    return Real(Chosen(train, _evenly(rows, _TRAIN_SETS * COUNT)), Chosen(others, _evenly(held, MOST_HELD_OUT)))


def judge(
    spec: ExtractorSpec | None, method: Method, parts: dict[str, Images], reporter: Reporter
) -> GeneratorJudge | None:
    """Return what judges the images of a method that generates them from noise.

    None, and a line in the job's log, where nothing can: that is no reason not to train.
    """
    if spec is None or not isinstance(method, Adversarial):
        return None
    real = real_images(parts)
    train, others = len(real.train.rows), len(real.held_out.rows)
    if min(train, others) < LEAST:
        reporter.info(Logs.too_few_to_judge(least=LEAST, train=train, others=others))
        return None
    try:
        looks = extractor.load(spec, method.feed.draws.device)
        return GeneratorJudge(looks, method, real, lambda: reporter.alive("evaluating"))
    except TrainerError as error:
        words = str(error)
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        words = " ".join(str(error).split())[:200]
    reporter.log("warning", Logs.no_judge(error=words))
    return None


class GeneratorJudge:
    """Judges the generator that will be kept, always by images of the same noise.

    That noise and the real images never change, so that two measurements differ by the weights alone. Nothing that the
    training depends on is touched: the noise comes from a stream of its own, and networks run in evaluation mode.
    """

    def __init__(
        self, looks: Extractor, method: Adversarial, real: Real, alive: Callable[[], None] = lambda: None
    ) -> None:
        began = time.monotonic()
        self.sha256 = looks.sha256
        self._extractor = looks
        self._alive = alive  # called before each block of images
        self._method = method
        many, size = len(real.train.rows), method.feed.shape[-1]
        count = min(COUNT, many)
        # Without the salt, and made on the CPU: the same on every device, and after going back.
        draws = method.feed.draws.salted(0)
        self._noise = draws.normal_everywhere((count, method.params.noise_dim), "quality")  # [count, noise_dim]
        held_out = self._look(real.held_out.blocks(size))
        looking = time.monotonic()  # the second look takes what all later ones will
        train = self._look(real.train.blocks(size))
        # Images are generated as well, which takes about as long as looking at them.
        self.expected_seconds = 2 * (time.monotonic() - looking) * count / many
        self._real: Moments = moments(held_out.features)
        # What is equally good: as many real images against the same ones. The n-th set takes every n-th image.
        step = many // count
        sets = [train.features[n::step][:count] for n in range(step)]
        self._equally_good = sum(frechet_distance(moments(one), self._real) for one in sets) / len(sets)
        # Coverage compares equally many: its value for real images is then known (Naeem et al. 2020).
        self._held_out = held_out.features[_evenly(torch.arange(len(held_out.features)), count)]
        self._radii = radii(self._held_out, COVERAGE_NEIGHBOURS)
        # Of the real images too the extractor says what they show: its own mistakes count on neither side.
        self._classes = None if held_out.probabilities is None else histogram(held_out.probabilities)
        self.setup_seconds = time.monotonic() - began

    def figures(self) -> dict[str, float]:
        """Return `fd_ratio`, `coverage` and, where classes are known, `kl` of the present weights."""
        seen = self._look(self._generated())
        distance = frechet_distance(moments(seen.features), self._real)
        figures = {
            "fd_ratio": distance / self._equally_good if self._equally_good > 0 else math.inf,
            "coverage": coverage(self._held_out, self._radii, seen.features),
        }
        if seen.probabilities is not None and self._classes is not None:
            figures["kl"] = divergence(histogram(seen.probabilities), self._classes)
        return {name: value for name, value in figures.items() if math.isfinite(value)}

    def _generated(self) -> Iterator[torch.Tensor]:
        """Generate images, [up to 100, C, size, size] uint8 on the CPU at a time."""
        how, generator = self._method.feed.preprocessing, output_network(self._method, "generator")
        for noise in torch.split(self._noise, _AT_ONCE):
            yield png.to_bytes(generate(generator, noise), how.mean, how.std)

    def _look(self, blocks: Iterator[torch.Tensor]) -> Seen:
        """Return what the extractor says of all images together."""
        features, probabilities = zip(*map(self._look_at, blocks))
        known = probabilities[0] is not None
        return Seen(torch.cat(features), torch.cat(probabilities) if known else None)

    def _look_at(self, block: torch.Tensor) -> Seen:
        self._alive()
        return self._extractor.look_at(block)


def _evenly(rows: torch.Tensor, most: int) -> torch.Tensor:
    """Return up to so many of the rows, evenly spaced."""
    if len(rows) <= most:
        return rows
    return rows[torch.arange(most) * len(rows) // most]
