"""How far a set is from real images, in words: beside real images of which kinds are left out.

A ratio of 9 tells nobody whether that is much. Real images of half of their kinds have a distance from all real images,
too, and so have those of a single kind. What is nearer than the first is close to real; what is farther than the second
is far from it.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from trainers.judging.frechet import Moments, frechet_distance, moments

# Ways to divide the kinds into halves.
_DIVISIONS = 2


class Distance(NamedTuple):
    """The Fréchet distance to held-out images over that of training images, and two marks on this scale.

    Attributes:
        ratio: that of the set.
        close: the ratio of training images of half of their kinds, the median over some halves.
        far: the ratio of training images of one kind, the median over the kinds.
    """

    ratio: float
    close: float
    far: float

    def as_json(self) -> dict[str, float]:
        """Return it for the report."""
        return {name: round(value, 4) for name, value in self._asdict().items()}


def distance(fd: float, real: float, test: Moments, features: Tensor, kinds: Tensor) -> Distance:
    """Put a set's distance beside those of training images of some of their kinds.

    Args:
        fd: the set's distance to held-out images.
        real: that of training images.
        test: the moments of held-out images.
        features: of training images (n, d).
        kinds: theirs (n,).
    """
    present = torch.unique(kinds)
    single = [features[kinds == kind] for kind in present]
    draws = torch.Generator().manual_seed(0)
    halves = []
    for _ in range(_DIVISIONS):
        first = present[torch.randperm(len(present), generator=draws)[: len(present) // 2]]
        inside = torch.isin(kinds, first)
        halves += [features[inside], features[~inside]]
    least = max(real, 1e-12)
    close, far = (_median(test, some) / least for some in (halves, single))
    return Distance(fd / least, close, max(close, far))


def _median(test: Moments, sets: list[Tensor]) -> float:
    # A set of fewer rows than features has no covariance to speak of, but a distance.
    found = [frechet_distance(test, moments(some)) for some in sets if len(some) > 1]
    return float(torch.tensor(found, dtype=torch.float64).median()) if found else 0.0
