"""The order in which images are drawn. It depends only on the seed, the salt and the number of the epoch."""

from __future__ import annotations

import math
from typing import NamedTuple, TypedDict

import torch

from models.messages import Misfits
from trainers.data.rng import Draws
from trainers.data.transfer import to_device
from trainers.process.errors import InvalidDatasetError


class SamplerState(TypedDict):
    """A sampler's position, as checkpoints hold it."""

    passes: int
    position: int
    seen: int
    batch_size: int


class Place(NamedTuple):
    """What decides which batch comes next: the salt of the order, the epoch, where in it, and how many images."""

    salt: int
    passes: int
    position: int
    batch_size: int


class Epochs(NamedTuple):
    """What an epoch draws: by default each image once, in batches of one size."""

    drop_last: bool = True  # leave out the rest that does not fill a batch, instead of drawing a smaller one
    length: int | None = None  # images of an epoch where it is longer: some are drawn again
    at_random: bool = False  # draw every image at random, whether or not it has been drawn before


EACH_ONCE = Epochs()


class Sampler:
    """Draws the numbers 0..count-1 in batches, in a new permutation each epoch, or as ``epochs`` says.

    ``passes`` counts whole epochs, ``position`` the images drawn in the present epoch, ``seen`` all images drawn.
    The batch size may become smaller on the way, when memory runs out.
    """

    def __init__(
        self,
        count: int,
        batch_size: int,
        draws: Draws,
        stream: str = "order",
        device: torch.device | None = None,
        epochs: Epochs = EACH_ONCE,
    ) -> None:
        if count < batch_size:
            raise InvalidDatasetError(Misfits.fewer_than_a_batch(count=count, size=batch_size))
        self.count = count
        self.batch_size = batch_size
        self.draws = draws
        self.passes = self.position = self.seen = 0
        self.epochs = epochs
        self.length = epochs.length or count  # images of an epoch
        self._stream = stream
        self._device = device or torch.device("cpu")
        self._order: torch.Tensor | None = None  # this epoch's images, [length] int64, made when first needed

    @property
    def per_pass(self) -> int:
        """Batches in an epoch."""
        return self._batches(self.length)

    @property
    def images_per_pass(self) -> int:
        """Images drawn in an epoch: all of them, or those in whole batches."""
        return self._drawn(self.length)

    @property
    def epoch(self) -> int:
        """The epoch that the last batch belonged to, from 1; 0 before the first batch."""
        return self.passes + (self.position > 0)

    def peek(self) -> torch.Tensor:
        """Return the numbers of the next batch, [N] int64 on the device that the sampler was made for; draw nothing."""
        if self._order is None:
            self._order = to_device(self._next_order(), self._device)
        return self._order[self.position : self.position + self.batch_size]

    def next(self) -> torch.Tensor:
        """Draw the next batch and return its numbers."""
        chosen = self.peek()
        self.position += len(chosen)
        self.seen += len(chosen)
        # Too few left for a batch: the epoch ends here.
        if self._batches(self.length - self.position) == 0:
            self.passes, self.position, self._order = self.passes + 1, 0, None
        return chosen

    def batches_left(self, epochs: int | None, images: int | None) -> int:
        """Return how many batches a budget of epochs, or of images, has left."""
        # The present epoch may have begun with a larger batch, so its position need not be a multiple of this one.
        in_hand = self._batches(self.length - self.position)
        if epochs is not None:
            return max(0, (epochs - self.passes - 1) * self.per_pass + in_hand)
        left = max(0, (images or 0) - self.seen)
        here = self._drawn(self.length - self.position)
        if left <= here:
            return math.ceil(left / self.batch_size)
        passes, rest = divmod(left - here, self.images_per_pass)
        return in_hand + passes * self.per_pass + math.ceil(rest / self.batch_size)

    def images_in(self, batches: int) -> int:
        """Return how many images the next so many batches hold."""
        in_hand = self._batches(self.length - self.position)
        if batches < in_hand:
            return batches * self.batch_size
        passes, rest = divmod(batches - in_hand, self.per_pass)
        here = self._drawn(self.length - self.position)
        # Only an epoch's last batch may be smaller, and a rest of batches does not reach it.
        return here + passes * self.images_per_pass + rest * self.batch_size

    def _next_order(self) -> torch.Tensor:
        """Return the images of the epoch that begins, [length] int64."""
        if self.epochs.at_random:
            return self.draws.integers(self.count, self.length, self._stream, self.passes)
        # Beyond the number of images it begins again: all are drawn, and some of them twice.
        return self.draws.permutation(self.length, self._stream, self.passes) % self.count

    def _batches(self, images: int) -> int:
        """Return how many batches the last so many images of an epoch make."""
        return math.ceil(self._drawn(images) / self.batch_size)

    def _drawn(self, images: int) -> int:
        """Return how many of the last so many images of an epoch are drawn."""
        rest = images % self.batch_size
        # A rest of one image is never a batch: batch normalisation needs several.
        return images - rest if self.epochs.drop_last or rest == 1 else images

    def place(self) -> Place:
        """Return what decides which batch comes next."""
        return Place(self.draws.salt, self.passes, self.position, self.batch_size)

    def state(self) -> SamplerState:
        """Return the position, for the checkpoint."""
        return {"passes": self.passes, "position": self.position, "seen": self.seen, "batch_size": self.batch_size}

    def restore(self, state: SamplerState, salt: int) -> None:
        """Continue from a checkpoint's position, in the order that this salt gives."""
        self.passes, self.position, self.seen = state["passes"], state["position"], state["seen"]
        self.batch_size = state["batch_size"]
        self.draws = self.draws.salted(salt)
        self._order = None
