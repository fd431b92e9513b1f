"""The gallery of translators: both directions and both cycles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from trainers.methods import output_network
from trainers.methods.steps import generate
from trainers.outputs import Sheet, png, spread

if TYPE_CHECKING:
    from trainers.methods.image_translation import Translation

_ROWS = 8


class Translations:
    """Each row: an image of A, its translation, its way back; then the same from B."""

    def __init__(self, method: Translation) -> None:
        self.method = method
        feed = method.feed
        self.preprocessing = feed.a.preprocessing
        draws = feed.draws.salted(0)
        rows = min(_ROWS, feed.a.sampler.count, feed.b.sampler.count)
        self._a, self._b = (
            one.plain(draws.permutation(one.sampler.count, f"real_grid_{name}")[:rows])
            for name, one in (("a", feed.a), ("b", feed.b))
        )
        self._normal_a, self._normal_b = feed.a.normalise(self._a), feed.b.normalise(self._b)

    def real(self) -> Sheet:
        """Draw images of A in the first row and of B in the second."""
        return Sheet(png.tile(torch.cat([self._a, self._b]).cpu(), len(self._a)))

    def draw(self) -> Sheet:
        """Draw both directions and both cycles: A, G(A), F(G(A)), B, F(B), G(F(B))."""
        ab, ba = (output_network(self.method, name) for name in ("generator_ab", "generator_ba"))
        fake_b, fake_a = generate(ab, self._normal_a), generate(ba, self._normal_b)
        columns = [self._normal_a, fake_b, generate(ba, fake_b), self._normal_b, fake_a, generate(ab, fake_a)]
        # Six columns of [rows, C, size, size], side by side in each row.
        cells = torch.stack(columns, 1).flatten(0, 1)  # [rows * 6, C, size, size]
        pixels = png.tile(png.to_bytes(cells, self.preprocessing.mean, self.preprocessing.std), len(columns))
        return Sheet(pixels, self._spread(fake_a, fake_b))

    def _spread(self, fake_a: torch.Tensor, fake_b: torch.Tensor) -> float | None:
        """Return the smaller spread of the two domains: one translator may collapse without the other."""
        # One image has no distance to another; identical real images have none to compare with.
        real = [spread(self._normal_a), spread(self._normal_b)] if len(fake_a) > 1 else [0.0]
        return None if min(real) <= 0 else min(spread(fake_a) / real[0], spread(fake_b) / real[1])
