"""LSUN bedrooms (Yu et al. 2015) in their own databases. Why not by torchvision: docs/decisions/0013."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Iterator

from packing.layouts import LSUN_PARTS
from trainers.data.prepare import Picture
from trainers.process.errors import InvalidDatasetError

if TYPE_CHECKING:
    from trainers.process.spec import DatasetSpec


def pictures(dataset: DatasetSpec, folder: Path) -> Iterator[tuple[str, Iterator[Picture]]]:
    """Yield the pictures of each part in the order of their keys.

    Raises:
        InvalidDatasetError: a database is missing or damaged.
    """
    for part in dataset.parts:
        yield part, _read(folder / LSUN_PARTS[part])


def _read(path: Path) -> Iterator[Picture]:
    try:
        lmdb = importlib.import_module("lmdb")
    except ImportError as error:
        raise InvalidDatasetError(
            f"reading LSUN's databases needs lmdb ({error}); install it, or keep a folder of JPEGs"
        ) from error
    remedy = f"put the original {path.name}/data.mdb back in {path.parent}"
    try:
        # No lock and no write: a data root may be read-only, and nobody writes there while we read.
        with lmdb.open(str(path), readonly=True, lock=False, create=False) as database:
            # The file is mapped: to read behind its end would end the process, with no word of why.
            size = (database.info()["last_pgno"] + 1) * database.stat()["psize"]
            there = (path / "data.mdb").stat().st_size
            if there < size:
                raise InvalidDatasetError(f"{path}/data.mdb ends after {there} of {size} bytes; {remedy}")
            with database.begin() as reader:
                for key, value in reader.cursor():
                    yield Picture(f"{path}/data.mdb, key {key.hex()[:80]},", value)
    except (lmdb.Error, OSError) as error:
        raise InvalidDatasetError(f"{path}/data.mdb cannot be read ({error}); {remedy}") from error
