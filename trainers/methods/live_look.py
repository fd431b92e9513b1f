"""A look at the live generator: what it makes of the same noise now, and how the discriminator scores that.

The average of the generator's weights is not looked at: it lags behind, and looks untrained when training has begun.
Everything stays on the device, so that a look does not wait for it, and nothing that is trained changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn.functional import adaptive_avg_pool2d

from trainers.methods.steps import by_batch_statistics, evaluating, generate

if TYPE_CHECKING:
    from torch import nn

    from trainers.data.images import Images
    from trainers.data.loader import ImageFeed

# Fakes of a look, and real images that they are compared with.
COUNT, REAL = 192, 256
# Of each kind the discriminator scores so many, or fewer if they are large.
_SCORED, _SCORED_BYTES = 64, 16_000_000
# Fakes that are compared with those of the look before.
_STILL = 32
# Images are compared as small as this: differences between kinds of images remain, and no extractor is needed.
_SIDE = 8
# Fewer images say little of how varied images are.
FEWEST = 32


class Look(NamedTuple):
    """What a look saw, on the device."""

    fakes: torch.Tensor  # [192, C * 8 * 8]
    # The first of them by the statistics of their own batch, [n, C * 8 * 8]: they move only if the weights do.
    still: torch.Tensor
    scores: torch.Tensor | None  # [3, n] of training images, held-out images and fakes; None without held-out images


class LiveLook:
    """Looks at a generator [N, noise_dim] -> [N, C, H, W] and a discriminator [N, C, H, W] -> [N]."""

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        feed: ImageFeed,
        noise_dim: int,
        held_out: Images | None,
    ) -> None:
        self._generator = generator
        self._discriminator = discriminator
        self._feed = feed
        # Streams of its own, without the salt: the inputs of looks never change, and nothing else draws from them.
        draws = feed.draws.salted(0)
        self.noise = draws.normal_everywhere((COUNT, noise_dim), "look")
        channels, height, width = feed.shape
        scored = min(_SCORED, max(16, _SCORED_BYTES // (channels * height * width)))
        trained = draws.permutation(feed.sampler.count, "look_real")[: REAL + COUNT]
        self._trained = feed.plain(trained[:scored])  # [n, C, H, W] uint8
        self._held: torch.Tensor | None = None
        # Real images that the networks do not learn from are the better measure, where there are any: [n, C * 8 * 8].
        if held_out is not None and len(held_out) >= FEWEST:
            others = draws.permutation(len(held_out), "look_held_out")[: REAL + COUNT]
            self._held = feed.plain_of(held_out, others[:scored])
            real = torch.cat([self._reduced(feed.plain_of(held_out, some)) for some in self._blocks(others)])
        else:
            real = torch.cat([self._reduced(feed.plain(some)) for some in self._blocks(trained)])
        # What fakes are compared with, and other real images that show what can be expected of as good fakes.
        for_fakes = len(real) * COUNT // (REAL + COUNT)
        self.real, self.others = real[for_fakes:], real[:for_fakes]

    def take(self) -> Look:
        """Look at the networks as they are. Waits for nothing."""
        fakes: list[torch.Tensor] = []
        of_fakes: list[torch.Tensor] = []
        for noise in self._blocks(self.noise):
            images = generate(self._generator, noise)
            fakes.append(small(images))
            if self._held is not None and sum(len(some) for some in of_fakes) < len(self._held):
                of_fakes.append(self._score(images))
        with torch.no_grad(), by_batch_statistics(self._generator):
            still = small(self._generator(self.noise[: min(_STILL, self._feed.batch_size)]))
        if self._held is None:
            return Look(torch.cat(fakes), still, None)
        scores = [self._of_pixels(self._trained), self._of_pixels(self._held), torch.cat(of_fakes)]
        # The same number of each kind makes one tensor.
        least = min(map(len, scores))
        return Look(torch.cat(fakes), still, torch.stack([some[:least] for some in scores]))

    def _of_pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        return torch.cat([self._score(self._feed.normalise(some)) for some in self._blocks(pixels)])

    @torch.no_grad()
    def _score(self, images: torch.Tensor) -> torch.Tensor:
        with evaluating(self._discriminator):
            scores: torch.Tensor = self._discriminator(images)
        return scores.float().flatten()

    def _reduced(self, pixels: torch.Tensor) -> torch.Tensor:
        return small(self._feed.normalise(pixels))

    def _blocks(self, rows: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Split rows into batches of the training's size, for which there is memory."""
        return torch.split(rows, self._feed.batch_size)


def small(images: torch.Tensor) -> torch.Tensor:
    """Return images [N, C, H, W] scaled down to 8 x 8 pixels, as rows [N, C * 64]."""
    return adaptive_avg_pool2d(images.float(), _SIDE).flatten(1)
