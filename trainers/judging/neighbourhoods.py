"""Whether kinds of real images are missing where no classes are known: real images that no generated image resembles.

Each held-out image has a neighbourhood in appearance: the ball that holds so many training images that as many real
images as were generated would show 16 in it. Where it holds under a fifth of them, that kind is missing. Balls fit a
kind better than cells of a partition do, in which a 9 may stand beside a 4.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from trainers.judging import classes, copying

# Images that a neighbourhood should hold: by chance, real ones are under a fifth of it once in 10,000 times.
_EXPECTED = 16
# More held-out images than that would tell no more.
_MOST = 2000
_SPLITS = 5
_DEVIATIONS = 4.0
# So few images are too few to speak of, and to tell from chance: a quarter of a class of ten. A class at half its share
# leaves up to .023 of 1,000 images, one that is missing .037 and more.
_LEAST = 0.025


class Missing(NamedTuple):
    """The share of held-out images whose kind is missing, what it is for real images, and the most by chance."""

    share: float
    real: float
    limit: float


class Neighbourhoods:
    """Neighbourhoods of held-out images for a number of generated ones."""

    def __init__(self, held_out: Tensor, pool: Tensor, own: Tensor | None, count: int, seed: int) -> None:
        """Measure the neighbourhoods.

        Args:
            held_out: images (n, C, H, W).
            pool: the appearance of training images (m, d).
            own: the rows of the pool that the held-out images are, or None.
            count: how many images are generated; of more than half as many as the training images, so many are taken.
            seed: of all draws.
        """
        draws = torch.Generator().manual_seed(seed)
        rows = torch.randperm(len(held_out), generator=draws)[:_MOST].sort().values
        self._images = held_out[rows]
        self._seed = seed
        self.count = min(count, len(pool) // 2)
        splits = [torch.randperm(len(pool), generator=draws) for _ in range(_SPLITS)]
        radii, rows_near, few = [], [], torch.zeros(_SPLITS, dtype=torch.float64)
        for block in copying.distances_to(self._images, pool, None if own is None else own[rows]):
            near = block.topk(self._rank(len(pool)), dim=1, largest=False)
            radii.append(near.values[:, -1])
            rows_near.append(near.indices.int())
            for number, split in enumerate(splits):
                # As if some training images were generated, and the others all that there are.
                shown, others = block[:, split[: self.count]], block[:, split[self.count :]]
                reach = others.kthvalue(self._rank(others.shape[1]), dim=1).values
                few[number] += _is_missing((shown <= reach[:, None]).sum(1)).sum()
        self._radii, self._near, self._pool = torch.cat(radii), torch.cat(rows_near), len(pool)
        real = few / len(self._images)
        self.real = float(real.mean())
        self.limit = max(_LEAST, self.real + _DEVIATIONS * float(real.std()))

    def missing(self, pixels: Tensor) -> Missing:
        """Count the neighbourhoods that generated images (n, C, H, W) leave empty, or nearly."""
        if len(pixels) > self.count:
            # Drawn at random: images of a data set may be sorted by their class.
            draws = torch.Generator().manual_seed(self._seed)
            pixels = pixels[torch.randperm(len(pixels), generator=draws)[: self.count]]
        appearance = copying.appearance(pixels)
        held = copying.within(self._images, appearance, self._radii)
        return Missing(float(_is_missing(held).double().mean()), self.real, self.limit)

    def missing_likes(self, rows: Tensor) -> Missing:
        """Count the neighbourhoods in which hardly any of the training images lies that generated ones look like (n,).

        This needs no image to lie in a neighbourhood: noisy images are far from all real ones, and still look like
        those that they were made of. It finds a little less, because a kind that is missing has its likes, too.
        """
        counts = torch.bincount(rows, minlength=self._pool)
        held = torch.stack([counts[near.long()].sum() for near in self._near])
        usual = self._near.shape[1] * len(rows) / self._pool
        return Missing(float((held < classes.MISSING * usual).double().mean()), self.real, self.limit)

    def _rank(self, pool: int) -> int:
        return max(1, min(pool, round(_EXPECTED * pool / self.count)))


def _is_missing(held: Tensor) -> Tensor:
    return held < classes.MISSING * _EXPECTED
