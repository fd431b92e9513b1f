"""`laotou`: fully connected networks on MNIST."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn

from benchmarks.sources import pictures

_BATCH, _NOISE = 128, 50


def _generator() -> nn.Sequential:
    layers: list[nn.Module] = [nn.Linear(_NOISE, 128), nn.LeakyReLU(0.2)]
    for inputs, outputs in ((128, 256), (256, 512), (512, 1024)):
        layers += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Linear(1024, 784), nn.Tanh())


def _discriminator() -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in ((784, 512), (512, 256)):
        layers += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Linear(256, 1), nn.Sigmoid())


def steps(root: Path) -> Iterator[int]:
    """Train; the figures of every step are read at once."""
    generator, discriminator = _generator(), _discriminator()
    of_g = torch.optim.Adam(generator.parameters(), lr=3e-4)
    of_d = torch.optim.Adam(discriminator.parameters(), lr=3e-4)
    criterion = nn.BCELoss()
    batches = pictures.loader(root, _BATCH, *pictures.tensor(0.1, 0.5))
    figures: list[tuple[float, ...]] = []
    while True:
        for images, _ in batches:
            many = len(images)
            ones, zeros = torch.ones(many, 1), torch.zeros(many, 1)
            on_real = discriminator(images.view(many, -1))
            # Not detached, as in the source: the discriminator's loss runs back through the generator as well.
            on_fake = discriminator(generator(torch.randn(many, _NOISE)))
            d_loss = criterion(on_real, ones) + criterion(on_fake, zeros)
            of_d.zero_grad()
            d_loss.backward()
            of_d.step()

            g_loss = criterion(discriminator(generator(torch.randn(many, _NOISE))), ones)
            of_g.zero_grad()
            g_loss.backward()
            of_g.step()
            figures.append((d_loss.item(), g_loss.item(), on_real.mean().item(), on_fake.mean().item()))
            yield many
