"""Grids: real images once, fakes from the same noise for the whole job, and a look at whether they all look alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from trainers import pictures
from trainers.draws import Draws
from trainers.reporter import PNG, File

if TYPE_CHECKING:
    from pathlib import Path

    from models.specs.base import AdversarialParams
    from trainers.feed import Feed
    from trainers.method import Method
    from trainers.reporter import Reporter

_CELLS = 64


class Gallery:
    """Draws from streams of its own, so that looking never changes the training."""

    def __init__(
        self, params: AdversarialParams, method: Method, feed: Feed, reporter: Reporter, scratch: Path
    ) -> None:
        self.params = params
        self.method = method
        self.reporter = reporter
        self.scratch = scratch
        draws = Draws(feed.draws.seed, 0, feed.draws.device)
        self._noise = draws.normal((_CELLS, params.noise_dim), "grid")
        chosen = draws.permutation(len(feed.images), "real_grid")[:_CELLS]
        self._real = feed.images[chosen.to(feed.images.device)]
        self._real_spread = spread(feed.normalise(self._real))
        self.drawn_at: int | None = None

    def real(self) -> None:
        """Show what the fakes should look like."""
        self._hand_over("real_grid", "real_grid.png", self._real.cpu(), 0, 0)

    def fakes(self, step: int, epoch: int) -> float:
        """Draw the grid of this step; return the spread of the fakes as a share of the spread of real images."""
        images = self.method.paint(self._noise)
        self._hand_over("grid", f"grid-{step:08d}.png", self._to_bytes(images), step, epoch)
        self.drawn_at = step
        return spread(images) / self._real_spread if self._real_spread > 0 else 1.0

    def _to_bytes(self, images: torch.Tensor) -> torch.Tensor:
        return pictures.to_bytes(images, self.params.normalize_mean, self.params.normalize_std)

    def _hand_over(self, kind: str, name: str, images: torch.Tensor, step: int, epoch: int) -> None:
        path = pictures.write(self.scratch / name, pictures.png(pictures.tile(images)))
        self.reporter.file(File(kind, path, step, epoch, PNG))


def spread(images: torch.Tensor) -> float:
    """Mean Euclidean distance between two different images of a batch (n, ...)."""
    return float(torch.pdist(images.detach().float().cpu().flatten(1)).mean())
