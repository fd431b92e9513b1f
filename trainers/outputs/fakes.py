"""The gallery of recipes that make images from noise: fakes from the same noise for the whole job."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from trainers.methods import output_network
from trainers.methods.steps import by_batch_statistics, generate
from trainers.outputs import CELLS, Sheet, png

if TYPE_CHECKING:
    from trainers.methods.adversarial import Adversarial


class Fakes:
    """Its noise and its real images come from random streams of their own, without the salt: they never change."""

    def __init__(self, method: Adversarial) -> None:
        self.method = method
        feed = method.feed
        # Jobs from before the parameter, and recipes without it, do not have it.
        self._as_tutorial = bool(vars(method.params).get("tutorial_grids", False))
        # What pixels were scaled by: undone for grids, but in the tutorial, which takes every image for one in ±1.
        how = feed.preprocessing
        self._scaled = (0.5, 0.5) if self._as_tutorial else (how.mean, how.std)
        # Made on the CPU for every device, so that grids of two machines can be compared: [64, noise_dim].
        draws = feed.draws.salted(0)
        self._noise = draws.normal_everywhere((CELLS, method.params.noise_dim), "grid")
        chosen = draws.permutation(feed.sampler.count, "real_grid")[:CELLS]
        self._real = feed.plain(chosen)
        if self._as_tutorial:
            self._real = png.to_bytes(feed.normalise(self._real), *self._scaled)

    def real(self) -> Sheet:
        """Draw real images."""
        return Sheet(png.tile(self._real.cpu()))

    def draw(self) -> Sheet:
        """Draw fakes, in evaluation mode unless asked otherwise, from the moving average if there is one."""
        network = output_network(self.method, "generator")
        if self._as_tutorial:
            with torch.no_grad(), by_batch_statistics(network):
                images = network(self._noise)
        else:
            images = generate(network, self._noise)  # [64, noise_dim] -> [64, C, H, W]
        return Sheet(png.tile(png.to_bytes(images, *self._scaled)))
