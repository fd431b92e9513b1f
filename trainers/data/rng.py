"""Random numbers without state: the seed of every draw is a hash of the job's seed and of what the draw is for.

A run that resumes at step n draws what the uninterrupted run drew there, and no generator has to be saved.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import Iterator

import torch


def seed_for(*parts: object) -> int:
    """Return a seed of 63 bits that depends on every part, and on their order."""
    text = "/".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


class Draws:
    """Random numbers of one job. ``salt`` changes all of them but the initial weights and the inputs of grids.

    ``stream`` says what a draw is for, ``index`` which one it is: a step, an epoch.
    """

    def __init__(self, seed: int, salt: int, device: torch.device) -> None:
        self.seed = seed
        self.salt = salt
        self.device = device
        # Making a generator costs more than seeding one, so each is made once and seeded for each draw.
        self._here = torch.Generator(device)
        self._host = torch.Generator("cpu")

    def normal(self, shape: tuple[int, ...], stream: str, *index: int) -> torch.Tensor:
        """Return standard normal numbers of this shape, made on the device."""
        self._here.manual_seed(seed_for(self.seed, self.salt, stream, *index))
        return torch.randn(shape, generator=self._here, device=self.device)

    def normal_everywhere(self, shape: tuple[int, ...], stream: str, *index: int) -> torch.Tensor:
        """Return standard normal numbers of this shape, made on the CPU and moved: the same numbers on any device.

        It is for grids and samples, so that pictures made on a GPU and on a Jetson can be compared.
        """
        self._host.manual_seed(seed_for(self.seed, self.salt, stream, *index))
        return torch.randn(shape, generator=self._host).to(self.device)

    def salted(self, salt: int) -> Draws:
        """Return the same draws with another salt."""
        return Draws(self.seed, salt, self.device)

    def uniform(self, shape: tuple[int, ...], stream: str, *index: int) -> torch.Tensor:
        """Return numbers from 0 to 1 of this shape, made on the device."""
        self._here.manual_seed(seed_for(self.seed, self.salt, stream, *index))
        return torch.rand(shape, generator=self._here, device=self.device)

    def integers(self, high: int, count: int, stream: str, *index: object) -> torch.Tensor:
        """Return whole numbers below ``high``, [count] int64, on the CPU: the same on every device."""
        self._host.manual_seed(seed_for(self.seed, self.salt, stream, *index))
        return torch.randint(high, (count,), generator=self._host)

    def permutation(self, n: int, stream: str, *index: int) -> torch.Tensor:
        """Return a permutation of 0..n-1, [n] int64, on the CPU: the order of the data is the same on every device."""
        self._host.manual_seed(seed_for(self.seed, self.salt, stream, *index))
        return torch.randperm(n, generator=self._host)


@contextmanager
def initial_weights(seed: int, name: str) -> Iterator[None]:
    """Seed torch's global generator while a network is built, and restore it afterwards."""
    # Torch's own initialisation takes no generator. Networks are built on the CPU, so no device has one to save.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_for(seed, "weights", name))
        yield
