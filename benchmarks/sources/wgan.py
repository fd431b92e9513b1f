"""`fastai_lsun` behind its first iterations: five steps of a clipped critic to one of the generator, at 64 px."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torchvision import transforms

from benchmarks.sources import pictures

_BATCH, _NOISE, _WIDTH, _SIZE, _CRITIC_STEPS = 64, 100, 64, 64, 5


def _generator() -> nn.Sequential:
    def stage(convolution: nn.Module, channels: int) -> list[nn.Module]:
        return [convolution, nn.ReLU(inplace=True), nn.BatchNorm2d(channels)]

    many = _WIDTH * _SIZE // 8
    layers = stage(nn.ConvTranspose2d(_NOISE, many, 4, 1, 0, bias=False), many)
    while many > _WIDTH:
        layers += stage(nn.ConvTranspose2d(many, many // 2, 4, 2, 1, bias=False), many // 2)
        many //= 2
    layers += stage(nn.Conv2d(many, many, 3, 1, 1, bias=False), many)
    return nn.Sequential(*layers, nn.ConvTranspose2d(many, 1, 4, 2, 1, bias=False), nn.Tanh())


def _critic() -> nn.Sequential:
    def stage(convolution: nn.Module, channels: int) -> list[nn.Module]:
        return [convolution, nn.LeakyReLU(0.2, inplace=True), nn.BatchNorm2d(channels)]

    layers: list[nn.Module] = [nn.Conv2d(1, _WIDTH, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True)]
    layers += stage(nn.Conv2d(_WIDTH, _WIDTH, 3, 1, 1, bias=False), _WIDTH)
    many, size = _WIDTH, _SIZE // 2
    while size > 4:
        layers += stage(nn.Conv2d(many, 2 * many, 4, 2, 1, bias=False), 2 * many)
        many, size = 2 * many, size // 2
    return nn.Sequential(*layers, nn.Conv2d(many, 1, 4, 1, 0, bias=False))


def _endless(batches: Any) -> Iterator[torch.Tensor]:
    while True:
        for images, _ in batches:
            yield images


def steps(root: Path) -> Iterator[int]:
    """Train."""
    generator, critic = _generator(), _critic()
    of_g = torch.optim.RMSprop(generator.parameters(), lr=1e-4)
    of_c = torch.optim.RMSprop(critic.parameters(), lr=1e-4)
    reals = _endless(pictures.loader(root, _BATCH, transforms.Resize(_SIZE), *pictures.tensor(0.5, 0.5)))
    while True:
        critic.requires_grad_(True)
        seen = 0
        for _ in range(_CRITIC_STEPS):
            real = next(reals)
            seen += len(real)
            for weight in critic.parameters():
                weight.data.clamp_(-0.01, 0.01)
            on_real = critic(real).mean()
            on_fake = critic(generator(torch.randn(len(real), _NOISE, 1, 1)).detach()).mean()
            of_c.zero_grad()
            (on_real - on_fake).backward()
            of_c.step()
        critic.requires_grad_(False)
        of_g.zero_grad()
        critic(generator(torch.randn(_BATCH, _NOISE, 1, 1))).mean().backward()
        of_g.step()
        yield seen
