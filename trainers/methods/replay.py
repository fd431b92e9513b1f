"""Past fakes that a discriminator is shown again (Shrivastava et al. 2017, section 2.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from trainers.data.rng import Draws


class Pool:
    """Holds up to ``size`` images. Its tensors are part of the checkpoint; its draws have no state."""

    def __init__(self, size: int, shape: tuple[int, ...], draws: Draws, name: str) -> None:
        self.size = size
        self.draws = draws
        self._name = f"pool_{name}"
        self._images = torch.zeros(size, *shape, device=draws.device)
        self._count = torch.zeros((), dtype=torch.int64)
        self.tensors = {"images": self._images, "count": self._count}

    def exchange(self, fakes: torch.Tensor, step: int, n: int) -> torch.Tensor:
        """Return as many images as were given, (batch, ...): while the pool fills, the same ones.

        Later each is, with even odds, handed through, or put in the place of an older one that is returned instead.
        """
        if not self.size:
            return fakes
        swaps = self.draws.integers(2, len(fakes), self._name, "swap", step, n)
        places = self.draws.integers(self.size, len(fakes), self._name, "place", step, n)
        shown = []
        for fake, swap, place in zip(fakes, swaps.tolist(), places.tolist()):
            count = int(self._count)  # lies on the host: nobody waits for the device
            if count < self.size:
                self._images[count] = fake
                self._count += 1
                shown.append(fake)
            elif swap:
                shown.append(self._images[place].clone())
                self._images[place] = fake
            else:
                shown.append(fake)
        return torch.stack(shown)
