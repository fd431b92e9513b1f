"""Feeds: batches of real images, gathered from uint8 pixels, augmented if asked, normalised on the device.

`Feed` is what the loop knows. Methods get the kind that they need: `ImageFeed` images, `TargetFeed` images with the
numbers that a classifier should name (`LabelledFeed` their classes, `TurnedFeed` quarter turns), `PairFeed` images of
two domains.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Dict, NamedTuple, Sequence, TypedDict, Union, cast

import torch

from models.messages import Misfits
from trainers.data import device_memory
from trainers.data.augment import cut
from trainers.data.images import middle
from trainers.data.prefetch import GpuLane, Prefetch
from trainers.data.sampler import EACH_ONCE, Epochs, Sampler, SamplerState
from trainers.data.transfer import to_device
from trainers.process.errors import InvalidDatasetError

if TYPE_CHECKING:
    from trainers.data.images import Images
    from trainers.data.prefetch import Lane
    from trainers.data.preprocessing import Preprocessing
    from trainers.data.rng import Draws

# A square can be turned by a quarter so many times before it is itself again.
TURNS = 4
# Pixels up to this share of the device's free memory are kept on the device; others stay on the host.
_SHARE_OF_DEVICE = 0.5
# Parts of up to so many bytes together are joined; larger ones may be memory maps, which are never read whole.
_SMALL = 1 << 30


class Batch(NamedTuple):
    """Images [N, C, size, size] float32, normalised, and their class numbers [N] int64, if the data set has any."""

    images: torch.Tensor
    labels: torch.Tensor | None


class LabelledBatch(NamedTuple):
    """Images [N, C, size, size] float32, normalised, and their class numbers [N] int64."""

    images: torch.Tensor
    labels: torch.Tensor


class PairState(TypedDict):
    """The positions in both domains."""

    a: SamplerState
    b: SamplerState


FeedState = Union[SamplerState, PairState]


class Feed(ABC):
    """Where a training takes its real images from. The sampler's position is all that changes."""

    sampler: Sampler  # counts images and epochs
    draws: Draws  # random numbers, with the salt of the attempt
    shape: tuple[int, ...]  # (C, size, size) of a batch's images

    @property
    def batch_size(self) -> int:
        """Images in a whole batch, at present: it is halved when memory runs out."""
        return self.sampler.batch_size

    @property
    @abstractmethod
    def waited_s(self) -> float:
        """Seconds from asking for batches until they were there, in this process."""

    @abstractmethod
    def state(self) -> FeedState:
        """Return the position, for the checkpoint."""

    @abstractmethod
    def restore(self, state: FeedState, salt: int) -> None:
        """Continue from a checkpoint's position, in the order that this salt gives."""

    @abstractmethod
    def halve(self) -> None:
        """Draw batches of half the size from now on."""


class ImageFeed(Feed):
    """Images of one part of a data set, or of several parts as one."""

    def __init__(
        self,
        parts: Sequence[Images],
        batch_size: int,
        draws: Draws,
        preprocessing: Preprocessing,
        stream: str = "order",
        epochs: Epochs = EACH_ONCE,
    ) -> None:
        self.preprocessing = preprocessing
        self.draws = draws
        self._stream = stream
        self._stacks = _stacked([part.pixels for part in parts], draws.device)
        # Indices live where the pixels are: copying them to the device would wait for it in every step.
        near = self._stacks[0].device
        count = sum(len(part) for part in parts)
        self.sampler = Sampler(count, batch_size, draws, stream, near, epochs)
        self._rows = _rows(parts, near)
        labels = [part.labels for part in parts if part.labels is not None]
        self.labels = torch.cat(labels).to(near) if len(labels) == len(parts) else None
        self.shape = (int(self._stacks[0].shape[1]), preprocessing.size, preprocessing.size)
        # Pixels on the host are gathered into pinned memory, and one batch ahead, where a GPU trains.
        self._pins = near.type == "cpu" and draws.device.type == "cuda"
        lane = _lane(near, draws.device)
        self._prefetch = None if lane is None else Prefetch(self._on_host, lane)
        self._scale, self._offset = preprocessing.scale_and_offset(draws.device)
        self._augments = (
            preprocessing.shift > 0 or preprocessing.flip or self._stacks[0].shape[-1] != preprocessing.size
        )
        self._waited_s = 0.0

    @property
    def waited_s(self) -> float:
        """Seconds from asking for batches until they were there, in this process."""
        return self._waited_s

    def next(self) -> torch.Tensor:
        """Return the images of the next batch, [N, C, size, size] float32."""
        return self.next_batch().images

    def next_batch(self) -> Batch:
        """Return the next batch."""
        asked = time.perf_counter()
        # The number of images before this batch names its random draws, so that a resumed run cuts the same windows.
        begin = self.sampler.seen
        # 1. The next images of this epoch's permutation, still whole and as bytes: [N, C, H, W] uint8, a quarter of the
        #    size of float32.
        pixels, labels = self._drawn() if self._prefetch is None else self._prefetched(self._prefetch)
        batch = Batch(self._prepared(pixels, self._stream, begin), labels)
        self._waited_s += time.perf_counter() - asked
        return batch

    def others(self, count: int, *index: int) -> torch.Tensor:
        """Return ``count`` real images that are drawn beside the order of the epoch: [N, C, size, size] float32.

        ``index`` names the draw. They count neither as seen nor as part of the epoch, and may repeat.
        """
        asked = time.perf_counter()
        stream = f"{self._stream}_beside"
        chosen = self.draws.integers(self.sampler.count, count, stream, *index)
        images = self._prepared(self.pixels(to_device(chosen, self._stacks[0].device)), stream, *index)
        self._waited_s += time.perf_counter() - asked
        return images

    def _prepared(self, pixels: torch.Tensor, stream: str, *index: int) -> torch.Tensor:
        """Turn whole images into what networks see; ``stream`` and ``index`` name their random draws."""
        # 2. Augmentation: a window from each image, [N, C, size, size] uint8.
        if self._augments:
            how = self.preprocessing
            pixels = cut(pixels, how.size, how.shift, how.flip, self.draws, stream, *index)
        # 3. Normalisation on the device: [N, C, size, size] float32, [-1, 1] with mean and std of .5.
        return self.normalise(pixels)

    def _drawn(self) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Draw the next images and their classes, as they are stored, onto the device."""
        chosen = self.sampler.next()
        labels = None if self.labels is None else to_device(self.labels.index_select(0, chosen), self.draws.device)
        return self.pixels(chosen), labels

    def _prefetched(self, prefetch: Prefetch) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Draw what `_drawn` draws, fetched meanwhile, and begin to fetch the batch behind it."""
        pixels, *labels = prefetch.take(self.sampler.place(), self.sampler.next())
        prefetch.begin(self.sampler.place(), self.sampler.peek())
        return pixels, labels[0] if labels else None

    def _on_host(self, chosen: torch.Tensor) -> list[torch.Tensor]:
        """Return the images of these numbers and their classes, if there are any, on the host."""
        labels = [] if self.labels is None else [self.labels.index_select(0, chosen)]
        return [self._gather(chosen), *labels]

    def pixels(self, chosen: torch.Tensor) -> torch.Tensor:
        """Return the images of these numbers whole, before any window is cut out: [N, C, H, W] uint8 on the device."""
        return to_device(self._gather(chosen), self.draws.device)

    def _gather(self, chosen: torch.Tensor) -> torch.Tensor:
        """Return the images of these numbers where they are kept, on the host or on the device."""
        if self._rows is not None:
            # Only some of the pixels belong to this feed: its numbers become theirs.
            chosen = self._rows[chosen.to(self._rows.device)]
        first = self._stacks[0]
        if len(self._stacks) == 1 and not self._pins:
            return first.index_select(0, chosen.to(first.device))
        picked = torch.empty((len(chosen), *first.shape[1:]), dtype=torch.uint8, pin_memory=self._pins)
        if len(self._stacks) == 1:
            return torch.index_select(first, 0, chosen, out=picked)
        # Large parts stay apart, on the host: take from each what it holds, and put it in its places of the batch.
        begin = 0
        for stack in self._stacks:
            inside = ((chosen >= begin) & (chosen < begin + len(stack))).nonzero()[:, 0]
            picked[inside] = stack.index_select(0, chosen[inside] - begin)
            begin += len(stack)
        return picked

    def plain(self, chosen: torch.Tensor) -> torch.Tensor:
        """Return the images of these numbers without augmentation: the middle window, [N, C, size, size] uint8."""
        return middle(self.pixels(chosen), self.preprocessing.size)

    def plain_of(self, images: Images, chosen: torch.Tensor) -> torch.Tensor:
        """Return images that are not this feed's without augmentation, on its device: [N, C, size, size] uint8."""
        return to_device(middle(images.take(chosen), self.preprocessing.size), self.draws.device)

    def mean(self) -> torch.Tensor:
        """Return the mean image, normalised, [C, H, W] on the CPU.

        It is summed in integers, so that it does not depend on the number of threads.
        """
        total = sum(stack.sum(0, dtype=torch.int64).double() for stack in self._stacks)
        return self.normalise(cast("torch.Tensor", total) / self.sampler.count).cpu()

    def normalise(self, pixels: torch.Tensor) -> torch.Tensor:
        """Turn bytes 0..255 into what networks see: (pixel / 255 - mean) / std, float32."""
        return pixels.float().mul_(self._scale).add_(self._offset)

    def state(self) -> SamplerState:
        """Return the position, for the checkpoint."""
        return self.sampler.state()

    def restore(self, state: FeedState, salt: int) -> None:
        """Continue from a checkpoint's position, in the order that this salt gives."""
        self.sampler.restore(cast("SamplerState", state), salt)
        self.draws = self.sampler.draws

    def halve(self) -> None:
        """Draw batches of half the size from now on."""
        self.sampler.batch_size //= 2


class TargetFeed(ImageFeed):
    """Images with the numbers that a classifier should name: those of classes, or of quarter turns."""

    @abstractmethod
    def next_labelled(self) -> LabelledBatch:
        """Return the next batch with its numbers."""

    @abstractmethod
    def plain_labelled(self, chosen: torch.Tensor) -> LabelledBatch:
        """Return the images of these numbers, [n] int64, without augmentation."""


class LabelledFeed(TargetFeed):
    """Images with classes.

    Raises:
        InvalidDatasetError: the data set has no classes.
    """

    def __init__(
        self,
        parts: Sequence[Images],
        batch_size: int,
        draws: Draws,
        preprocessing: Preprocessing,
        stream: str = "order",
        epochs: Epochs = EACH_ONCE,
    ) -> None:
        super().__init__(parts, batch_size, draws, preprocessing, stream, epochs)
        if self.labels is None:
            raise InvalidDatasetError(Misfits.no_classes())
        self.classes_of: torch.Tensor = self.labels  # [count] int64, of all images in their own order

    def next_labelled(self) -> LabelledBatch:
        """Return the next batch with its classes."""
        images, labels = self.next_batch()
        return LabelledBatch(images, cast("torch.Tensor", labels))

    def plain_labelled(self, chosen: torch.Tensor) -> LabelledBatch:
        """Return the images of these numbers without augmentation, with their classes."""
        return LabelledBatch(self.normalise(self.plain(chosen)), self.classes_of[chosen].to(self.draws.device))


class TurnedFeed(TargetFeed):
    """Each image four times, in all four quarter turns, with the number of turns (Gidaris et al. 2018).

    The sampler counts images, not turns: a batch of N has 4 N.
    """

    def next_labelled(self) -> LabelledBatch:
        """Return the next images [4 N, C, size, size] with their turns, 0 to 3."""
        # Augmented before they are turned, so that all four are turns of the same window.
        return _turned(self.next())

    def plain_labelled(self, chosen: torch.Tensor) -> LabelledBatch:
        """Return the images of these numbers in all four turns, without augmentation."""
        return _turned(self.normalise(self.plain(chosen)))


class PairFeed(Feed):
    """Two domains without pairs: one batch of each. The larger domain counts the epochs.

    The other one repeats sooner, unless its sampler's epochs are as long.
    """

    def __init__(self, a: ImageFeed, b: ImageFeed) -> None:
        self.a, self.b = a, b
        self.lead = a if a.sampler.count >= b.sampler.count else b
        self.sampler = self.lead.sampler
        self.draws = a.draws
        self.shape = a.shape

    @property
    def waited_s(self) -> float:
        """Seconds from asking for batches of both until they were there, in this process."""
        return self.a.waited_s + self.b.waited_s

    def state(self) -> PairState:
        """Return both positions, for the checkpoint."""
        return {"a": self.a.state(), "b": self.b.state()}

    def restore(self, state: FeedState, salt: int) -> None:
        """Continue from a checkpoint's positions, in the order that this salt gives."""
        both = cast(Dict[str, SamplerState], state)
        self.a.restore(both["a"], salt)
        self.b.restore(both["b"], salt)
        self.draws = self.a.draws

    def halve(self) -> None:
        """Draw batches of half the size from now on."""
        self.a.halve()
        self.b.halve()


def _turned(images: torch.Tensor) -> LabelledBatch:
    """Return square images [N, C, size, size] in four quarter turns: first all as they are, then all turned once, …"""
    turns = torch.arange(TURNS, device=images.device).repeat_interleave(len(images))  # [4 N] int64
    return LabelledBatch(torch.cat([torch.rot90(images, turn, (2, 3)) for turn in range(TURNS)]), turns)


def _rows(parts: Sequence[Images], device: torch.device) -> torch.Tensor | None:
    """Return the row of each image among all pixels, [count] int64; None where every row is an image of the feed."""
    if all(part.rows is None for part in parts):
        return None
    rows, begin = [], 0
    for part in parts:
        rows.append(begin + (torch.arange(len(part.pixels)) if part.rows is None else part.rows))
        begin += len(part.pixels)
    return torch.cat(rows).to(device)


def _stacked(parts: list[torch.Tensor], device: torch.device) -> list[torch.Tensor]:
    """Return the parts' pixels as few stacks [n, C, H, W] uint8: on the device if they leave it room to work."""
    size = sum(part.numel() for part in parts)
    if _fits(size, device):
        return [torch.cat([part.to(device) for part in parts])]
    # One stack is faster to gather from than several, but joining them copies every byte.
    return parts if len(parts) == 1 or size > _SMALL else [torch.cat(parts)]


def _fits(size: int, device: torch.device) -> bool:
    """Return whether a GPU has room to work beside so many bytes of pixels. On a CPU they are there already."""
    return device.type == "cuda" and size < _SHARE_OF_DEVICE * device_memory.free(device)


def _lane(near: torch.device, device: torch.device) -> Lane | None:
    """Return how batches come to a GPU ahead of time; None where the pixels are on the device already."""
    return GpuLane(device) if near.type == "cpu" and device.type == "cuda" else None
