"""`ithome`: convolutional networks on the training and test images of MNIST together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn

from benchmarks.sources import pictures

_BATCH, _NOISE = 128, 100


def _generator() -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs, stride, padding in ((_NOISE, 256, 1, 0), (256, 128, 2, 1), (128, 64, 2, 1)):
        layers += [
            nn.ConvTranspose2d(inputs, outputs, 4, stride, padding, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(True),
        ]
    return nn.Sequential(*layers, nn.ConvTranspose2d(64, 1, 4, 2, 3, bias=False), nn.Tanh())


def _discriminator() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 64, 4, 2, 1, bias=False),
        nn.BatchNorm2d(64),
        nn.LeakyReLU(0.2, True),
        nn.Conv2d(64, 128, 4, 2, 1, bias=False),
        nn.BatchNorm2d(128),
        nn.LeakyReLU(0.2, True),
        nn.Conv2d(128, 256, 3, 2, 1, bias=False),
        nn.BatchNorm2d(256),
        nn.LeakyReLU(0.2, True),
        nn.Conv2d(256, 1, 4, 1, 0, bias=False),
        nn.Sigmoid(),
    )


def steps(root: Path) -> Iterator[int]:
    """Train; the losses of every step are read at once."""
    torch.manual_seed(0)
    generator, discriminator = _generator(), _discriminator()
    of_g = torch.optim.Adam(generator.parameters(), lr=1e-3)
    of_d = torch.optim.Adam(discriminator.parameters(), lr=1e-3)
    criterion = nn.BCELoss()
    batches = pictures.loader(root, _BATCH, *pictures.tensor(0.5, 0.5), both=True)
    losses: list[tuple[float, float]] = []
    while True:
        for images, _ in batches:
            many = len(images)
            ones, zeros = torch.ones(many), torch.zeros(many)
            of_d.zero_grad()
            real_loss = criterion(discriminator(images).view(-1), ones)
            real_loss.backward()
            # Not detached, as in the source: the discriminator's loss runs back through the generator as well.
            fake = generator(torch.randn(many, _NOISE, 1, 1))
            fake_loss = criterion(discriminator(fake).view(-1), zeros)
            fake_loss.backward()
            of_d.step()

            of_g.zero_grad()
            g_loss = criterion(discriminator(generator(torch.randn(many, _NOISE, 1, 1))).view(-1), ones)
            g_loss.backward()
            of_g.step()
            losses.append((real_loss.item() + fake_loss.item(), g_loss.item()))
            yield many
