"""A folder of pictures at any depth, without classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packing.layouts.base import DatasetFiles, Entry, KnownDataset, PartsLayout, Picture, Pictures, PreviewPictures
from packing.layouts.walk import has_pictures, pictures_below

if TYPE_CHECKING:
    from pathlib import Path


class FolderLayout(PartsLayout):
    """Pictures at any depth, all for training."""

    name = "folder"
    position = 6
    how = "in the order of names; nothing hidden, linked folders once"
    known = (
        KnownDataset(
            *("lsun-bedroom", "found", "folder", "lsun/bedroom"),
            parts={"train": 303_125},
            shape=(3, 256, 256),
            also=("data0/lsun/bedroom", "bedroom"),
        ),
    )

    def matches(self, folder: Path) -> bool:
        """Return whether there is a picture."""
        return has_pictures(folder)

    def parts(self, folder: Path) -> dict[str, list[Entry]]:
        """Return all pictures as `train`."""
        return {"train": sorted(pictures_below(folder))}

    def pictures(self, dataset: DatasetFiles) -> Pictures:
        """Yield all pictures, in the order of their names."""
        paths = (dataset.folder / entry.name for entry in self.files(dataset.folder))
        yield "train", (Picture(str(path), path) for path in paths)

    def preview(self, dataset: DatasetFiles) -> PreviewPictures:
        """Read names only."""
        names = [entry.name for entry in self.files(dataset.folder)]
        return PreviewPictures([names], lambda name: dataset.folder / name)


LAYOUT = FolderLayout()
