"""The gallery of recipes that paint from noise: fakes from the same noise for the whole job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainers.methods import shown
from trainers.methods.adversarial import paint
from trainers.outputs import CELLS, Shown, png, spread

if TYPE_CHECKING:
    from trainers.data.loader import Feed
    from trainers.methods.adversarial import Adversarial


class Fakes:
    """Draws from streams of its own, without the salt."""

    def __init__(self, method: Adversarial, feed: Feed) -> None:
        self.method = method
        self.look = feed.look
        draws = feed.draws.salted(0)
        self._noise = draws.normal_everywhere((CELLS, method.params.noise_dim), "grid")
        chosen = draws.permutation(feed.deck.count, "real_grid")[:CELLS]
        self._real = feed.plain(chosen)
        self._real_spread = spread(feed.normalise(self._real))

    def real(self) -> Shown:
        """Show real images."""
        return Shown(png.tile(self._real.cpu()))

    def draw(self) -> Shown:
        """Show fakes, in evaluation mode, from the average if there is one."""
        images = paint(shown(self.method, "generator"), self._noise)
        sheet = png.tile(png.to_bytes(images, self.look.mean, self.look.std))
        return Shown(sheet, spread(images) / self._real_spread if self._real_spread > 0 else 1.0)
