"""Real batches in an order that depends on the seed and the number of the pass alone."""

from __future__ import annotations

import torch

from trainers.draws import Draws
from trainers.errors import InvalidDatasetError


class Feed:
    """Deals the data set, a fresh permutation each pass; the images left over at the end of a pass are dropped.

    ``drawn`` counts batches since the beginning of the job and is the whole state.
    """

    def __init__(self, images: torch.Tensor, batch_size: int, draws: Draws, mean: float, std: float) -> None:
        self.per_pass = len(images) // batch_size
        if not self.per_pass:
            raise InvalidDatasetError(
                f"the data set has {len(images)} images, fewer than one batch of {batch_size}: "
                f"set `batch_size` to {len(images)} or less, or take a larger data set"
            )
        self.images = images.to(draws.device)
        self.batch_size = batch_size
        self.draws = draws
        self.drawn = 0
        # (pixel / 255 - mean) / std, as one multiplication and one addition.
        self._scale = 1 / (255 * std)
        self._shift = -mean / std
        self._pass = -1
        self._order = torch.empty(0)

    @property
    def passes(self) -> int:
        """Whole passes over the data set so far."""
        return self.drawn // self.per_pass

    @property
    def seen(self) -> int:
        """Real images dealt so far."""
        return self.drawn * self.batch_size

    @property
    def shape(self) -> tuple[int, ...]:
        """(channels, height, width)."""
        return tuple(self.images.shape[1:])

    def mean(self) -> torch.Tensor:
        """The mean image, normalised, on the CPU. Summed as integers, so that it is the same for any thread count."""
        total = self.images.sum(0, dtype=torch.int64)
        return self.normalise(total.double() / len(self.images)).cpu()

    def next(self) -> torch.Tensor:
        """Return the next batch, (batch, channels, height, width) float32 on the device."""
        number, position = divmod(self.drawn, self.per_pass)
        if number != self._pass:
            self._order = self.draws.permutation(len(self.images), "order", number).to(self.images.device)
            self._pass = number
        chosen = self._order[position * self.batch_size : (position + 1) * self.batch_size]
        self.drawn += 1
        return self.normalise(self.images.index_select(0, chosen))

    def normalise(self, pixels: torch.Tensor) -> torch.Tensor:
        """Bytes to the numbers that networks see."""
        return pixels.float().mul_(self._scale).add_(self._shift)

    def go_to(self, drawn: int, salt: int) -> None:
        """Continue behind this many batches, in the order of this salt."""
        self.drawn = drawn
        self.draws = Draws(self.draws.seed, salt, self.draws.device)
        self._pass = -1
