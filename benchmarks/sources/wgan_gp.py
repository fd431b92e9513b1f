"""`celeba` with the gradient penalty: batches of 16 at 64 px, one critic step to two of the generator."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn
from torchvision import transforms

from benchmarks.sources import pictures

_BATCH, _NOISE, _WIDTH, _SIZE, _PENALTY = 16, 128, 64, 64, 10.0


def _generator() -> nn.Sequential:
    many = 8 * _WIDTH
    layers: list[nn.Module] = [nn.Linear(_NOISE, many * 16, bias=False), nn.Unflatten(1, (many, 4, 4))]
    layers += [nn.BatchNorm2d(many), nn.ReLU(True)]
    while many > _WIDTH:
        layers += [nn.ConvTranspose2d(many, many // 2, 4, 2, 1, bias=False), nn.BatchNorm2d(many // 2), nn.ReLU(True)]
        many //= 2
    return nn.Sequential(*layers, nn.ConvTranspose2d(many, 1, 4, 2, 1, bias=False), nn.Tanh())


def _critic() -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(1, _WIDTH, 4, 2, 1), nn.LeakyReLU(0.2, True)]
    many = _WIDTH
    while many < 8 * _WIDTH:
        layers += [nn.Conv2d(many, 2 * many, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * many), nn.LeakyReLU(0.2, True)]
        many *= 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(many * 16, 1))


def _penalty(critic: nn.Module, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    share = torch.rand(len(real), 1, 1, 1)
    between = (share * real + (1 - share) * fake).requires_grad_(True)
    scores = critic(between)
    (slopes,) = torch.autograd.grad(scores, between, torch.ones_like(scores), create_graph=True)
    return _PENALTY * ((slopes.flatten(1).norm(2, dim=1) - 1) ** 2).mean()


def steps(root: Path) -> Iterator[int]:
    """Train; losses are kept for a plot every 100 steps."""
    generator, critic = _generator(), _critic()
    of_g = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    of_c = torch.optim.Adam(critic.parameters(), lr=2e-4, betas=(0.5, 0.999))
    batches = pictures.loader(root, _BATCH, transforms.Resize(_SIZE), *pictures.tensor(0.5, 1.0))
    losses: list[tuple[float, float]] = []
    step = 0
    while True:
        for images, _ in batches:
            fake = generator(torch.randn(len(images), _NOISE)).detach()
            c_loss = critic(fake).mean() - critic(images).mean() + _penalty(critic, images, fake)
            of_c.zero_grad()
            c_loss.backward()
            of_c.step()
            for _ in range(2):
                g_loss = -critic(generator(torch.randn(_BATCH, _NOISE))).mean()
                of_g.zero_grad()
                g_loss.backward()
                of_g.step()
            if step % 100 == 0:
                losses.append((c_loss.item(), g_loss.item()))
            step += 1
            yield len(images)
