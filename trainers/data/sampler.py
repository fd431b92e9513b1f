"""The order in which images are dealt. It depends on the seed and the number of the pass alone."""

from __future__ import annotations

import math
from typing import Any

import torch

from trainers.data.rng import Draws
from trainers.process.errors import InvalidDatasetError


class Deck:
    """Deals the numbers 0..n-1, a fresh permutation each pass; what is left over at the end of a pass is dropped.

    ``passes`` are whole passes so far, ``position`` the images dealt in the pass in hand, ``seen`` those dealt in all.
    The batch size may change on the way: memory may run out.
    """

    def __init__(
        self, count: int, batch_size: int, draws: Draws, stream: str = "order", device: torch.device | None = None
    ) -> None:
        if count < batch_size:
            raise InvalidDatasetError(
                f"the data set has {count} images, fewer than one batch of {batch_size}: "
                f"set `batch_size` to {count} or less, or take a larger data set"
            )
        self.count = count
        self.batch_size = batch_size
        self.draws = draws
        self.passes = self.position = self.seen = 0
        self._stream = stream
        self._device = device or torch.device("cpu")
        self._order: torch.Tensor | None = None

    @property
    def per_pass(self) -> int:
        """Batches of a pass."""
        return self.count // self.batch_size

    @property
    def epoch(self) -> int:
        """The pass that the last batch belonged to, from 1; 0 before the first batch."""
        return self.passes + (self.position > 0)

    def next(self) -> torch.Tensor:
        """Return the numbers of the next batch, (batch,) int64 on the device that the deck was made for."""
        if self._order is None:
            self._order = self.draws.permutation(self.count, self._stream, self.passes).to(self._device)
        chosen = self._order[self.position : self.position + self.batch_size]
        self.position += self.batch_size
        self.seen += self.batch_size
        if self.position + self.batch_size > self.count:
            self.passes, self.position, self._order = self.passes + 1, 0, None
        return chosen

    def batches_left(self, epochs: int | None, images: int | None) -> int:
        """Return how many batches a budget of passes, or of images, has left."""
        if epochs is not None:
            # The pass in hand may have begun with a larger batch, which need not be a multiple of this one.
            in_hand = (self.count - self.position) // self.batch_size
            return max(0, (epochs - self.passes - 1) * self.per_pass + in_hand)
        return max(0, math.ceil(((images or 0) - self.seen) / self.batch_size))

    def state(self) -> dict[str, Any]:
        """Return the place for the checkpoint."""
        return {"passes": self.passes, "position": self.position, "seen": self.seen, "batch_size": self.batch_size}

    def restore(self, state: dict[str, Any], salt: int) -> None:
        """Continue from a checkpoint, in the order of this salt."""
        self.passes, self.position, self.seen = state["passes"], state["position"], state["seen"]
        self.batch_size = state["batch_size"]
        self.draws = self.draws.salted(salt)
        self._order = None
