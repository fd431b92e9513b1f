"""Real batches: gathered from uint8 images, changed at random if asked, normalised on the device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Sequence

import torch

from trainers.data.augment import cut
from trainers.data.sampler import Deck

if TYPE_CHECKING:
    from trainers.data.images import Images
    from trainers.data.rng import Draws

# Data sets up to this share of the device's free memory lie on the device; others are gathered on the host.
_SHARE_OF_DEVICE = 0.5
# Parts of up to so many bytes together become one; larger ones may be maps, which are never read whole.
_SMALL = 1 << 30


class Look(NamedTuple):
    """How images are shown: a window of ``size`` pixels, moved by up to ``shift`` beyond the edges; maybe mirrored."""

    mean: float
    std: float
    size: int
    shift: int = 0
    flip: bool = False


class Batch(NamedTuple):
    """Images (batch, channels, size, size) float32, and the numbers of their classes (batch,) or None."""

    images: torch.Tensor
    labels: torch.Tensor | None


class Feed:
    """Deals one part of a data set, or several as one. The deck is its whole state."""

    def __init__(
        self, parts: Sequence[Images], batch_size: int, draws: Draws, look: Look, stream: str = "order"
    ) -> None:
        self.look = look
        self.draws = draws
        self._stream = stream
        self._stacks = _stacked([part.pixels for part in parts], draws.device)
        # Where the images are, the numbers of the images are too: a copy to the device would wait for it at every step.
        near = self._stacks[0].device
        self.deck = Deck(sum(len(part) for part in parts), batch_size, draws, stream, near)
        self._rows = _rows(parts, near)
        labels = [part.labels for part in parts if part.labels is not None]
        self.labels = torch.cat(labels).to(near) if len(labels) == len(parts) else None
        # (pixel / 255 - mean) / std, as one multiplication and one addition.
        self._scale = 1 / (255 * look.std)
        self._shift = -look.mean / look.std
        self._moves = look.shift > 0 or look.flip or self._stacks[0].shape[-1] != look.size

    @property
    def batch_size(self) -> int:
        """Images a batch, now."""
        return self.deck.batch_size

    @property
    def shape(self) -> tuple[int, ...]:
        """(channels, height, width) of a batch's images."""
        return (int(self._stacks[0].shape[1]), self.look.size, self.look.size)

    def next(self) -> torch.Tensor:
        """Return the images of the next batch."""
        return self.next_batch().images

    def next_batch(self) -> Batch:
        """Return the next batch."""
        begin = self.deck.seen
        chosen = self.deck.next()
        labels = None if self.labels is None else self.labels.index_select(0, chosen).to(self.draws.device)
        pixels = self.pixels(chosen)
        if self._moves:
            pixels = cut(pixels, self.look.size, self.look.shift, self.look.flip, self.draws, self._stream, begin)
        return Batch(self.normalise(pixels), labels)

    def pixels(self, chosen: torch.Tensor) -> torch.Tensor:
        """Return the images of these numbers as uint8 on the device, whole: before any window is cut out."""
        if self._rows is not None:
            chosen = self._rows[chosen.to(self._rows.device)]
        if len(self._stacks) == 1:
            stack = self._stacks[0]
            return stack.index_select(0, chosen.to(stack.device)).to(self.draws.device, non_blocking=True)
        picked = torch.empty((len(chosen), *self._stacks[0].shape[1:]), dtype=torch.uint8, device=self.draws.device)
        begin = 0
        for stack in self._stacks:
            inside = ((chosen >= begin) & (chosen < begin + len(stack))).nonzero()[:, 0]
            found = stack.index_select(0, (chosen[inside] - begin).to(stack.device))
            picked[inside.to(picked.device)] = found.to(picked.device)
            begin += len(stack)
        return picked

    def plain(self, chosen: torch.Tensor) -> torch.Tensor:
        """Return the images of these numbers as uint8 on the device, the window in the middle."""
        whole = self.pixels(chosen)
        edge = (whole.shape[-1] - self.look.size) // 2
        return whole[..., edge : edge + self.look.size, edge : edge + self.look.size]

    def mean(self) -> torch.Tensor:
        """The mean image, normalised, on the CPU. Summed as integers, so that it is the same for any thread count."""
        total = sum(stack.sum(0, dtype=torch.int64).double() for stack in self._stacks)
        return self.normalise(total / self.deck.count).cpu()  # type: ignore[arg-type]

    def normalise(self, pixels: torch.Tensor) -> torch.Tensor:
        """Bytes to the numbers that networks see."""
        return pixels.float().mul_(self._scale).add_(self._shift)

    def state(self) -> dict[str, Any]:
        """Return the place for the checkpoint."""
        return self.deck.state()

    def restore(self, state: dict[str, Any], salt: int) -> None:
        """Continue from a checkpoint, in the order of this salt."""
        self.deck.restore(state, salt)
        self.draws = self.deck.draws

    def halve(self) -> None:
        """Deal batches of half the size from now on."""
        self.deck.batch_size //= 2


class PairFeed:
    """Two domains without pairs. The larger one counts the passes; the other one goes round faster."""

    def __init__(self, a: Feed, b: Feed) -> None:
        self.a, self.b = a, b
        self.lead = a if a.deck.count >= b.deck.count else b

    @property
    def deck(self) -> Deck:
        """The deck of the larger domain."""
        return self.lead.deck

    @property
    def draws(self) -> Draws:
        """The draws of both."""
        return self.a.draws

    @property
    def batch_size(self) -> int:
        """Images of each domain a batch, now."""
        return self.lead.batch_size

    @property
    def shape(self) -> tuple[int, ...]:
        """(channels, height, width) of either domain's images."""
        return self.a.shape

    def state(self) -> dict[str, Any]:
        """Return both places for the checkpoint."""
        return {"a": self.a.state(), "b": self.b.state()}

    def restore(self, state: dict[str, Any], salt: int) -> None:
        """Continue from a checkpoint, in the order of this salt."""
        self.a.restore(state["a"], salt)
        self.b.restore(state["b"], salt)

    def halve(self) -> None:
        """Deal batches of half the size from now on."""
        self.a.halve()
        self.b.halve()


def _rows(parts: Sequence[Images], device: torch.device) -> torch.Tensor | None:
    """Return where each number of the deck stands among all pixels; None where every image counts."""
    if all(part.rows is None for part in parts):
        return None
    rows, begin = [], 0
    for part in parts:
        rows.append(begin + (torch.arange(len(part.pixels)) if part.rows is None else part.rows))
        begin += len(part.pixels)
    return torch.cat(rows).to(device)


def _stacked(parts: list[torch.Tensor], device: torch.device) -> list[torch.Tensor]:
    """Put images on the device if they leave it room to work; make one stack of several parts where that is cheap."""
    size = sum(part.numel() for part in parts)
    if device.type == "cuda" and size < _SHARE_OF_DEVICE * torch.cuda.mem_get_info(device)[0]:
        return [torch.cat([part.to(device) for part in parts])]
    return parts if len(parts) == 1 or size > _SMALL else [torch.cat(parts)]
