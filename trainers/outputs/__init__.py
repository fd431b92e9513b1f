"""What is shown of a training: pictures of always the same inputs. Looking never changes the training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import torch

from trainers.outputs import png
from trainers.process.reporter import PNG, File

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from trainers.process.reporter import Reporter

CELLS = 64


class Gallery(Protocol):
    """One for each kind of method."""

    def real(self) -> Shown:
        """Return what the pictures should look like."""

    def draw(self) -> Shown:
        """Draw the pictures of this moment."""


class Shown:
    """A sheet of pictures, (height, width) or (height, width, 3) uint8, and how varied it is.

    ``spread`` is the mean distance of two fakes as a share of that of two real images; None where there are no fakes.
    """

    def __init__(self, sheet: NDArray[np.uint8], spread: float | None = None) -> None:
        self.sheet = sheet
        self.spread = spread


class Exhibition:
    """Writes a gallery's sheets and hands them over."""

    def __init__(self, gallery: Gallery, reporter: Reporter, scratch: Path) -> None:
        self.gallery = gallery
        self.reporter = reporter
        self.scratch = scratch
        self.drawn_at: int | None = None

    def real(self) -> None:
        """Show what the pictures should look like."""
        self._hand_over("real_grid", "real_grid.png", self.gallery.real(), 0, 0)

    def draw(self, step: int, epoch: int) -> float | None:
        """Draw the grid of this step; return its spread."""
        shown = self.gallery.draw()
        self._hand_over("grid", f"grid-{step:08d}.png", shown, step, epoch)
        self.drawn_at = step
        return shown.spread

    def _hand_over(self, kind: str, name: str, shown: Shown, step: int, epoch: int) -> None:
        path = png.write(self.scratch / name, png.png(shown.sheet))
        self.reporter.file(File(kind, path, step, epoch, PNG))


def spread(images: torch.Tensor) -> float:
    """Mean Euclidean distance between two different images of a batch (n, ...)."""
    return float(torch.pdist(images.detach().float().cpu().flatten(1)).mean())
