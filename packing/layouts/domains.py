"""Two domains to translate between: a folder of pictures for each part of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packing.layouts.base import DatasetFiles, Entry, KnownDataset, PartsLayout, Picture, Pictures, PreviewPictures
from packing.layouts.walk import has_pictures, pictures_below

if TYPE_CHECKING:
    from pathlib import Path

_TRAIN = ("trainA", "trainB")
_PARTS = (*_TRAIN, "testA", "testB")


class DomainsLayout(PartsLayout):
    """`trainA/` and `trainB/`, with or without `testA/` and `testB/`."""

    name = "domains"
    position = 7
    how = "in the order of names; nothing hidden, linked folders once"
    known = (
        KnownDataset(
            *("horse2zebra", "found", "domains", "horse2zebra"),
            parts={"trainA": 1_067, "trainB": 1_334, "testA": 120, "testB": 140},
            shape=(3, 256, 256),
        ),
    )
    any_name = True

    def matches(self, folder: Path) -> bool:
        """Return whether both domains have a picture to train on."""
        return all(has_pictures(folder / part) for part in _TRAIN)

    def parts(self, folder: Path) -> dict[str, list[Entry]]:
        """Return the parts whose folders are there."""
        return {part: sorted(pictures_below(folder, part)) for part in _PARTS if (folder / part).is_dir()}

    def pictures(self, dataset: DatasetFiles) -> Pictures:
        """Yield the pictures of each part, in the order of their names."""
        for part, entries in self.parts(dataset.folder).items():
            paths = (dataset.folder / entry.name for entry in entries)
            yield part, (Picture(str(path), path) for path in paths)

    def preview(self, dataset: DatasetFiles) -> PreviewPictures:
        """Read names only: the domains are the groups."""
        parts = self.parts(dataset.folder)
        groups = [[entry.name for entry in parts[part]] for part in _TRAIN if part in parts]
        return PreviewPictures(groups, lambda name: dataset.folder / name)


LAYOUT = DomainsLayout()
