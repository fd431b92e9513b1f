"""The range that each figure of a report card has for new real images: what a reader sees a set's figures beside.

Real images are drawn again and again, as many as are judged: training images where a figure compares a set with
held-out ones, and held-out images where it compares a set with training images. A range is the mean of the draws and
three standard deviations to both sides.
"""

from __future__ import annotations

import torch
from torch import Tensor

from trainers.judging import classes, copying, neighbours
from trainers.judging.card import MOST
from trainers.judging.frechet import frechet_distance, moments
from trainers.judging.kernel_distance import kernel_distance
from trainers.judging.reference import Reference

# Draws for figures that take a matrix of all pairs, and for those that count what is known of each image.
_DRAWS = 8
_MANY_DRAWS = 200
_DEVIATIONS = 3.0
# Figures that no set can be above.
_AT_MOST = {"precision": 1.0, "recall": 1.0, "coverage": 1.0, "duplicates": 1.0, "auth_pct": 100.0}
_BELOW_ZERO = ("kid", "c_t")
# Subsets of a kernel distance that is one of several: their mean is what counts.
_SUBSETS = 20


def real_ranges(reference: Reference, count: int) -> dict[str, list[float]]:
    """Return the least and the greatest value of each figure that so many new real images have, by its name."""
    draws = torch.Generator().manual_seed(reference.seed)
    found: dict[str, list[float]] = {}
    for some in (_beside_held_out(reference, count, draws), _beside_training(reference, count, draws)):
        for name, values in some.items():
            found[name] = _range(name, torch.tensor(values, dtype=torch.float64))
    return found


def _range(name: str, values: Tensor) -> list[float]:
    mean, reach = float(values.mean()), _DEVIATIONS * float(values.std())
    low = mean - reach if name in _BELOW_ZERO else max(0.0, mean - reach)
    return [round(low, 6), round(min(_AT_MOST.get(name, mean + reach), mean + reach), 6)]


def _beside_held_out(reference: Reference, count: int, draws: torch.Generator) -> dict[str, list[float]]:
    """Draw training images, and compare them with held-out ones as generated images are.

    As many as are judged, but no more than half of them: else the draws would be the same images. Fewer images are
    farther off on average, so only their spread counts, around what as many images have as are judged.
    """
    train, test = reference.train, reference.test
    usual = train.features[reference.drawn(len(train.features), min(count, MOST))]
    some_count = max(2 * neighbours.COVERAGE_NEIGHBOURS, min(len(usual), len(train.features) // 2))
    shares = neighbours.balls(test.features, usual)
    fd, kid, recall, coverage = [], [], [], []
    for number in range(_DRAWS):
        some = train.features[torch.randperm(len(train.features), generator=draws)[:some_count]]
        own = neighbours.balls(test.features, some)
        fd.append(frechet_distance(reference.moments, moments(some)))
        kid.append(kernel_distance(some, test.features, number, _SUBSETS).mean)
        recall.append(own.recall)
        coverage.append(own.coverage)
    usual_fd = max(sum(fd) / len(fd), 1e-12)
    found = {
        "fd_ratio": [value / usual_fd for value in fd],
        "kid": kid,
        "recall": _around(shares.recall, recall),
        "coverage": _around(shares.coverage, coverage),
    }
    if train.probabilities is not None and test.probabilities is not None:
        expected, of_train = classes.histogram(test.probabilities), train.probabilities.argmax(1)
        many = train.probabilities.shape[1]
        found["kl"] = [
            classes.divergence(classes.shares(of_train[_any(len(of_train), count, draws)], many), expected)
            for _ in range(_MANY_DRAWS)
        ]
    return found


def _beside_training(reference: Reference, count: int, draws: torch.Generator) -> dict[str, list[float]]:
    """Draw held-out images with repetition, and compare them with training images as generated images are."""
    realism, looks = reference.realism, reference.looks
    own, kinds = reference.own_distances(looks.rows), reference.coarse_kinds_of(looks)
    inside, balls = realism.inside.double(), realism.balls.double()
    farther, near = (looks.distances > own).double(), (looks.relative < copying.limit(looks.relative)).double()
    found: dict[str, list[float]] = {name: [] for name in ("precision", "density", "auth_pct", "duplicates", "c_t")}
    held = len(looks.rows)
    for _ in range(_MANY_DRAWS):
        # What is drawn varies, and so does what the held-out images are: a range holds for other ones, too.
        rows = _any(held, min(count, held), draws)
        found["precision"].append(float(inside[rows].mean()))
        found["density"].append(float(balls[rows].mean()))
        found["auth_pct"].append(100 * float(farther[rows].mean()))
        found["duplicates"].append(float(near[rows].mean()))
        first, second = torch.split(torch.randperm(held, generator=draws), -(-held // 2))
        score = copying.c_t(looks.distances[first], looks.distances[second], kinds[first], kinds[second])
        found["c_t"].append(score or 0.0)
    return found


def _around(centre: float, values: list[float]) -> list[float]:
    mean = sum(values) / len(values)
    return [centre + value - mean for value in values]


def _any(of: int, count: int, draws: torch.Generator) -> Tensor:
    return torch.randint(of, (count,), generator=draws)
