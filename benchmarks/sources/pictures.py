"""Images as the tutorials load them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch.utils.data import ConcatDataset, DataLoader, Dataset
from torchvision import transforms
from torchvision.datasets import MNIST


def loader(
    root: Path, batch_size: int, *steps: Callable[[Any], Any], train: bool = True, both: bool = False
) -> DataLoader[Any]:
    """Return shuffled batches of the training or the test images, or of ``both``; the last, small one too."""
    transform = transforms.Compose(steps)
    found: Dataset[Any] = MNIST(str(root), train=train, transform=transform)
    if both:
        found = ConcatDataset([found, MNIST(str(root), train=not train, transform=transform)])
    return DataLoader(found, batch_size=batch_size, shuffle=True)


def tensor(mean: float, std: float) -> tuple[Callable[[Any], Any], ...]:
    """Return the last transforms of every tutorial."""
    return transforms.ToTensor(), transforms.Normalize((mean,), (std,))
