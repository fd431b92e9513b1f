"""CelebA (Liu et al. 2015): aligned faces in one folder, its lists read by torchvision after their checksums."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterator

from packing.layouts import CELEBA_PICTURES
from trainers.data.prepare import Picture
from trainers.process.errors import InvalidDatasetError

if TYPE_CHECKING:
    from trainers.process.spec import DatasetSpec

# Nothing is chosen by validation here, so those pictures count as test.
_SPLITS = {"train": ("train",), "test": ("valid", "test")}


def official() -> Any:
    """Return torchvision's class. Importing it takes a second: only who needs it pays.

    Raises:
        InvalidDatasetError: torchvision is not installed.
    """
    try:
        return importlib.import_module("torchvision.datasets").CelebA
    except ImportError as error:
        raise InvalidDatasetError(f"reading CelebA's lists needs torchvision ({error}); install it") from error


def pictures(dataset: DatasetSpec, folder: Path) -> Iterator[tuple[str, Iterator[Picture]]]:
    """Yield the pictures of both parts in the order of the list.

    Raises:
        InvalidDatasetError: a list or a picture is missing, or a list is not the official one.
    """
    kind = type("Faces", (official(),), {"base_folder": folder.name})
    names = {
        part: [name for split in splits for name in _names(kind, folder, split)] for part, splits in _SPLITS.items()
    }
    place = folder / CELEBA_PICTURES
    here = {path.name for path in place.iterdir()}
    missing = [name for part in names.values() for name in part if name not in here]
    if missing:
        raise InvalidDatasetError(
            f"{place} lacks {len(missing)} of {sum(map(len, names.values()))} pictures of {dataset.name}, "
            f"the first is {min(missing)}; unpack img_align_celeba.zip again"
        )
    for part, listed in names.items():
        yield part, (Picture(str(place / name), place / name) for name in listed)


def _names(kind: Any, folder: Path, split: str) -> list[str]:
    try:
        names: list[str] = kind(str(folder.parent), split=split, target_type=[], download=False).filename
    except (RuntimeError, OSError, ValueError, IndexError) as error:
        raise InvalidDatasetError(
            f"{_culprit(kind, folder)} is missing or not the official file ({error}); "
            f"put CelebA's five lists back in {folder}"
        ) from error
    return names


def _culprit(kind: Any, folder: Path) -> Path:
    """Return the list that is not what it should be, for the error message."""
    check_integrity = importlib.import_module("torchvision.datasets.utils").check_integrity

    lists = [(name, md5) for _, md5, name in kind.file_list if name.endswith(".txt")]
    return next((folder / name for name, md5 in lists if not check_integrity(str(folder / name), md5)), folder)
