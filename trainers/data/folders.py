"""Data sets that are one file a picture: a folder, pairs of domains, and CIFAR-10 with the class in each name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Iterator

from packing import layouts
from trainers.data.prepare import Picture
from trainers.process.errors import InvalidDatasetError

if TYPE_CHECKING:
    from trainers.process.spec import DatasetSpec


def pictures(dataset: DatasetSpec, folder: Path) -> Iterator[tuple[str, Iterator[Picture]]]:
    """Yield the pictures of each part, in the order of their names; without classes."""
    for part, entries in layouts.pictures(dataset.layout, folder).items():
        yield part, (Picture(str(folder / entry.name), folder / entry.name) for entry in entries)


def flat_cifar(dataset: DatasetSpec, folder: Path) -> Iterator[tuple[str, Iterator[Picture]]]:
    """Yield the pictures of each part with the class that their names end in: `123_automobile.png` is a car."""
    for part, entries in layouts.pictures(dataset.layout, folder).items():
        yield part, (_named(dataset, folder / entry.name) for entry in entries)


def _named(dataset: DatasetSpec, path: Path) -> Picture:
    name = layouts.flat_class(path.name)
    if name not in dataset.classes:
        raise InvalidDatasetError(
            f"{path} does not say its class; names end in one of {', '.join(dataset.classes)}, "
            "as in 123_automobile.png: rename it, or take it away"
        )
    return Picture(str(path), path, dataset.classes.index(name))
