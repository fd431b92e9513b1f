"""The gallery of recipes that make images from noise: fakes from the same noise for the whole job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainers.methods import output_network
from trainers.methods.steps import generate
from trainers.outputs import CELLS, Sheet, png, spread

if TYPE_CHECKING:
    from trainers.methods.adversarial import Adversarial


class Fakes:
    """Its noise and its real images come from random streams of their own, without the salt: they never change."""

    def __init__(self, method: Adversarial) -> None:
        self.method = method
        feed = method.feed
        self.preprocessing = feed.preprocessing
        # Made on the CPU for every device, so that grids of two machines can be compared: [64, noise_dim].
        draws = feed.draws.salted(0)
        self._noise = draws.normal_everywhere((CELLS, method.params.noise_dim), "grid")
        chosen = draws.permutation(feed.sampler.count, "real_grid")[:CELLS]
        self._real = feed.plain(chosen)
        self._real_spread = spread(feed.normalise(self._real))

    def real(self) -> Sheet:
        """Draw real images."""
        return Sheet(png.tile(self._real.cpu()))

    def draw(self) -> Sheet:
        """Draw fakes, in evaluation mode, from the moving average if there is one."""
        images = generate(output_network(self.method, "generator"), self._noise)  # [64, noise_dim] -> [64, C, H, W]
        pixels = png.tile(png.to_bytes(images, self.preprocessing.mean, self.preprocessing.std))
        return Sheet(pixels, spread(images) / self._real_spread if self._real_spread > 0 else 1.0)
