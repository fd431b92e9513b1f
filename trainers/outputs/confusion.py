"""The gallery of a classifier: which class is taken for which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainers.outputs import CELLS, Shown, plots, png

if TYPE_CHECKING:
    from trainers.data.loader import Feed
    from trainers.methods.classification import Classification


class Confusion:
    """Shows training images once, and then the confusion matrix on the test images."""

    def __init__(self, method: Classification, feed: Feed) -> None:
        self.method = method
        self._real = feed.plain(feed.draws.salted(0).permutation(feed.deck.count, "real_grid")[:CELLS])

    def real(self) -> Shown:
        """Show training images."""
        return Shown(png.tile(self._real.cpu()))

    def draw(self) -> Shown:
        """Show the confusion matrix of this moment."""
        figures = self.method.end_epoch()
        return Shown(plots.confusion(self.method.counts(), self.method.classes, figures["accuracy"]))
