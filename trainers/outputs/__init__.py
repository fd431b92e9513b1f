"""Pictures of a training, always of the same inputs. Drawing them never changes the training."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import torch

from models.wire import File
from trainers.outputs import png
from trainers.process.reporter import PNG

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from models.wire import FileKind
    from trainers.process.reporter import Reporter

CELLS = 64  # pictures of a grid


class Gallery(Protocol):
    """Draws the pictures of one kind of method."""

    def real(self) -> Sheet:
        """Draw real images: what fakes should look like."""

    def draw(self) -> Sheet:
        """Draw the pictures of the present weights."""


class Sheet(NamedTuple):
    """Pictures laid out as one image, [H, W] grey or [H, W, 3] colour uint8, and how varied translations are.

    ``spread`` is the mean distance of two of them as a share of that of two real images; None where there are none.
    """

    pixels: NDArray[np.uint8]
    spread: float | None = None


class GridWriter:
    """Writes a gallery's sheets as PNG files and reports them."""

    def __init__(self, gallery: Gallery, reporter: Reporter, scratch: Path) -> None:
        self.gallery = gallery
        self.reporter = reporter
        self.scratch = scratch
        self.drawn_at: int | None = None  # the step of the last grid

    def real(self) -> None:
        """Write the grid of real images."""
        self._hand_over("real_grid", "real_grid.png", self.gallery.real(), 0, 0)

    def draw(self, step: int, epoch: int) -> float | None:
        """Write the grid of this step; return the spread of its translations, if it has any."""
        sheet = self.gallery.draw()
        self._hand_over("grid", f"grid-{step:08d}.png", sheet, step, epoch)
        self.drawn_at = step
        return sheet.spread

    def _hand_over(self, kind: FileKind, name: str, sheet: Sheet, step: int, epoch: int) -> None:
        path = png.write(self.scratch / name, png.png(sheet.pixels))
        self.reporter.file(File(kind, path, step, epoch, PNG))


def spread(images: torch.Tensor) -> float:
    """Return the mean Euclidean distance between two different images of a batch, [N, ...]."""
    return float(torch.pdist(images.detach().float().cpu().flatten(1)).mean())
