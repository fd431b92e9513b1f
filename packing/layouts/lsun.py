"""LSUN bedrooms (Yu et al. 2015) in their own databases. Why not by torchvision: docs/decisions/0013."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Iterator

from models.messages import DataFaults
from packing.layouts.base import (
    DatasetFiles,
    Entry,
    KnownDataset,
    LayoutError,
    Picture,
    PictureLayout,
    Pictures,
    PreviewPictures,
)
from packing.layouts.walk import files_in
from packing.lmdb import Database, entries_in

if TYPE_CHECKING:
    from pathlib import Path

_FOLDERS = {"train": "bedroom_train_lmdb", "test": "bedroom_val_lmdb"}
_FILE = "data.mdb"


class LsunLayout(PictureLayout):
    """Two databases of LMDB: one for training, one for testing."""

    name = "lsun-lmdb"
    position = 5
    how = "from the databases, in the order of their keys: [decision 13](decisions/0013-lsun-without-torchvision.md)"
    known = (
        KnownDataset(
            *("lsun-bedroom", "found", "lsun-lmdb", "lsun"),
            parts={"train": 3_033_042, "test": 300},
            shape=(3, 256, 256),
            also=(".",),
        ),
    )

    def matches(self, folder: Path) -> bool:
        """Return whether the database for training is there."""
        return (folder / _FOLDERS["train"] / _FILE).is_file()

    def files(self, folder: Path) -> list[Entry]:
        """Return the files of the databases."""
        wanted = {f"{below}/{_FILE}" for below in _FOLDERS.values()}
        return [entry for below in _FOLDERS.values() for entry in files_in(folder, below) if entry.name in wanted]

    def counts(self, folder: Path) -> dict[str, int]:
        """Return the number that each database keeps of itself."""
        found = {part: folder / below / _FILE for part, below in _FOLDERS.items()}
        return {part: entries_in(path) for part, path in found.items() if path.is_file()}

    def pictures(self, dataset: DatasetFiles) -> Pictures:
        """Yield the pictures of each part in the order of their keys."""
        for part in dataset.parts:
            yield part, _read(dataset.folder / _FOLDERS[part])

    def preview(self, dataset: DatasetFiles) -> PreviewPictures:
        """Read the pages that lead to single pictures, in a database of any size."""
        path = dataset.folder / _FOLDERS["train"] / _FILE
        entries = entries_in(path)

        def take(number: int) -> bytes:
            with Database(path) as database:
                return database.near((number + 0.5) / entries)

        return PreviewPictures([range(entries)], take)


def _read(path: Path) -> Iterator[Picture]:
    """Yield every picture. LMDB's own library maps the file: fast, and more than a preview may hold."""
    try:
        lmdb = importlib.import_module("lmdb")
    except ImportError as error:
        raise LayoutError(DataFaults.lsun_needs(error=str(error))) from error
    where = {"path": str(path), "name": path.name, "parent": str(path.parent)}
    try:
        # No lock and no write: a data root may be read-only, and nobody writes there while we read.
        with lmdb.open(str(path), readonly=True, lock=False, create=False) as database:
            # The file is mapped: to read behind its end would end the process, with no word of why.
            size = (database.info()["last_pgno"] + 1) * database.stat()["psize"]
            there = (path / _FILE).stat().st_size
            if there < size:
                raise LayoutError(DataFaults.lsun_short(**where, there=there, size=size))
            with database.begin() as reader:
                for key, value in reader.cursor():
                    yield Picture(f"{path}/{_FILE}, key {key.hex()[:80]},", value)
    except (lmdb.Error, OSError) as error:
        raise LayoutError(DataFaults.lsun_unreadable(**where, error=str(error))) from error


LAYOUT = LsunLayout()
