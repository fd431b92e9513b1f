"""A pool of past fakes that a discriminator is shown again (Shrivastava et al. 2017, section 2.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from trainers.data.rng import Draws


class Pool:
    """Holds up to ``size`` images. Its tensors are part of the checkpoint; its random draws have no state."""

    def __init__(self, size: int, shape: tuple[int, ...], device: torch.device, name: str) -> None:
        self.size = size
        self._name = f"pool_{name}"
        self._images = torch.zeros(size, *shape, device=device)
        self._count = torch.zeros((), dtype=torch.int64)
        self.tensors = {"images": self._images, "count": self._count}

    def exchange(self, fakes: torch.Tensor, draws: Draws, step: int, n: int) -> torch.Tensor:
        """Return as many images as were given, [N, C, H, W]: the same ones until the pool is full.

        After that each fake is, with even odds, returned as it is, or swapped with a random image of the pool.
        ``step`` and ``n`` name the draws, so that a resumed run makes the same exchanges.
        """
        if not self.size:
            return fakes
        swaps = draws.integers(2, len(fakes), self._name, "swap", step, n)  # [N] of 0 and 1
        places = draws.integers(self.size, len(fakes), self._name, "place", step, n)  # [N], where to swap
        returned = []
        # One by one: an image put into the pool may be taken out again for a later image of the same batch.
        for fake, swap, place in zip(fakes, swaps.tolist(), places.tolist()):
            count = int(self._count)  # on the host, so that reading it does not wait for the device
            if count < self.size:
                self._images[count] = fake
                self._count += 1
                returned.append(fake)
            elif swap:
                # A copy: the next line overwrites the image.
                returned.append(self._images[place].clone())
                self._images[place] = fake
            else:
                returned.append(fake)
        return torch.stack(returned)
