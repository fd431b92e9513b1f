"""CIFAR-10 as a folder of PNGs that end in the name of their class, as a published course keeps it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from models.messages import DataFaults
from packing.layouts.base import (
    DatasetFiles,
    Entry,
    KnownDataset,
    LayoutError,
    PartsLayout,
    Picture,
    Pictures,
    PreviewPictures,
    by_class,
    class_counts,
)
from packing.layouts.cifar import CLASSES as OFFICIAL
from packing.layouts.walk import pictures_below

if TYPE_CHECKING:
    from pathlib import Path

_NAME = re.compile(r"\d+_([a-z]+)\.png")
# The course shortens two names; files may have either.
_RENAMED = {"airplane": "plane", "automobile": "car"}
CLASSES = tuple(_RENAMED.get(name, name) for name in OFFICIAL)


class FlatCifarLayout(PartsLayout):
    """`train/` and `test/` with files like `123_automobile.png`, or all of them in one folder."""

    name = "cifar-flat"
    position = 3
    how = "in the order of names, which say the class"
    known = (
        KnownDataset(
            *("cifar-10", "found", "cifar-flat", "cifar"),
            parts={"train": 50_000, "test": 10_000},
            shape=(3, 32, 32),
            classes=CLASSES,
            also=("cifar10",),
        ),
    )
    small_images = True

    def matches(self, folder: Path) -> bool:
        """Return whether the first picture's name says a class."""
        train = folder / "train"
        first = next(pictures_below(train if train.is_dir() else folder), None)
        return first is not None and class_in(first.name) is not None

    def parts(self, folder: Path) -> dict[str, list[Entry]]:
        """Return `train` and `test`, or all pictures as `train` where there is no such folder."""
        if (folder / "train").is_dir():
            names = [part for part in ("train", "test") if (folder / part).is_dir()]
            return {part: sorted(pictures_below(folder, part)) for part in names}
        return {"train": sorted(pictures_below(folder))}

    def pictures(self, dataset: DatasetFiles) -> Pictures:
        """Yield the pictures of each part with the class that their names end in: `123_automobile.png` is a car."""
        for part, entries in self.parts(dataset.folder).items():
            yield part, (_named(dataset, dataset.folder / entry.name) for entry in entries)

    def preview(self, dataset: DatasetFiles) -> PreviewPictures:
        """Read names only."""
        numbers = {name: number for number, name in enumerate(dataset.classes)}
        parts = self.parts(dataset.folder)
        labels = {
            part: [numbers.get(class_in(entry.name) or "", -1) for entry in entries] for part, entries in parts.items()
        }
        names = [entry.name for entry in parts["train"]]
        groups = [[names[n] for n in group] for group in by_class(labels["train"], dataset)]
        every = [label for part in labels.values() for label in part]
        return PreviewPictures(groups, lambda name: dataset.folder / name, class_counts(every, dataset))


def class_in(name: str) -> str | None:
    """Return the class that a file's name says, as the course calls it, or None."""
    match = _NAME.fullmatch(name.rpartition("/")[2])
    return None if match is None else _RENAMED.get(match.group(1), match.group(1))


def _named(dataset: DatasetFiles, path: Path) -> Picture:
    name = class_in(path.name)
    if name not in dataset.classes:
        raise LayoutError(DataFaults.class_not_in_the_name(path=str(path), classes=", ".join(dataset.classes)))
    return Picture(str(path), path, dataset.classes.index(name))


LAYOUT = FlatCifarLayout()
