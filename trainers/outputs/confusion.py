"""The gallery of a classifier: its confusion matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainers.outputs import CELLS, Sheet, plots, png

if TYPE_CHECKING:
    from trainers.methods.classification import Classification


class Confusion:
    """Draws training images once, and then the confusion matrix on the test images."""

    def __init__(self, method: Classification) -> None:
        self.method = method
        feed = method.feed
        self._real = feed.plain(feed.draws.salted(0).permutation(feed.sampler.count, "real_grid")[:CELLS])

    def real(self) -> Sheet:
        """Draw training images."""
        return Sheet(png.tile(self._real.cpu()))

    def draw(self) -> Sheet:
        """Draw the confusion matrix of the present weights."""
        # Evaluated by the loop already, if this is the end of an epoch; then it costs nothing here.
        figures = self.method.end_epoch()
        return Sheet(plots.confusion(self.method.counts(), self.method.classes, figures["accuracy"]))
