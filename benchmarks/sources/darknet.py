"""`fastai_cifar10`: a residual classifier, changed images, one cycle of the learning rate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision import transforms

from benchmarks.sources import pictures

_BATCH, _WIDTH, _BLOCKS, _STEPS = 256, 32, (1, 2, 4, 6, 3), 30 * 196


def _layer(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs, momentum=0.01),
        nn.LeakyReLU(0.1, inplace=True),
    )


class _Block(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.narrow, self.wide = _layer(channels, channels // 2, 1), _layer(channels // 2, channels, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = inputs + self.wide(self.narrow(inputs))
        return outputs


def _classifier() -> nn.Sequential:
    layers: list[nn.Module] = [_layer(1, _WIDTH, 3)]
    many = _WIDTH
    for group, blocks in enumerate(_BLOCKS):
        layers += [_layer(many, 2 * many, 3, 1 if group == 1 else 2), *(_Block(2 * many) for _ in range(blocks))]
        many *= 2
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(many, 10))


@torch.no_grad()
def _accuracy(classifier: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> float:
    classifier.eval()
    right = [(classifier(images).argmax(1) == labels).float().mean().item() for images, labels in batches]
    classifier.train()
    return sum(right) / len(right)


def steps(root: Path) -> Iterator[int]:
    """Train; the loss is read at every step, for its running mean; every epoch ends with a look at the test images."""
    classifier = _classifier()
    optimizer = torch.optim.SGD(classifier.parameters(), lr=1.3 / 20, momentum=0.95, weight_decay=1e-4)
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=1.3,
        total_steps=_STEPS,
        pct_start=0.4,
        anneal_strategy="linear",
        div_factor=20,
        base_momentum=0.85,
        max_momentum=0.95,
    )
    changes = [
        transforms.Pad(2),  # digits have 28 pixels, the networks' images 32
        transforms.RandomHorizontalFlip(),
        transforms.Pad(4, padding_mode="reflect"),
        transforms.RandomCrop(32),
    ]
    batches = pictures.loader(root, _BATCH, *changes, *pictures.tensor(0.5, 0.5))
    judged = pictures.loader(root, _BATCH, changes[0], *pictures.tensor(0.5, 0.5), train=False)
    mean = 0.0
    done = 0
    while True:
        for images, labels in batches:
            loss = nn.functional.cross_entropy(classifier(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            done += 1
            if done < _STEPS:
                cycle.step()
            mean = 0.98 * mean + 0.02 * loss.item()
            yield len(images)
        _accuracy(classifier, judged)
