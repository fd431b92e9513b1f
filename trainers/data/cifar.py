"""CIFAR-10 (Krizhevsky 2009) as its author packed it, read by torchvision.

The batches are pickles, which can run any code: torchvision unpickles them only after their official checksums.
"""

from __future__ import annotations

import importlib
import pickle
import warnings
from typing import TYPE_CHECKING, Any

import torch

from trainers.data.images import Images
from trainers.process.errors import InvalidDatasetError

if TYPE_CHECKING:
    from pathlib import Path

    from trainers.process.spec import DatasetSpec


def official() -> Any:
    """Return torchvision's class. Importing it takes a second: only who needs it pays.

    Raises:
        InvalidDatasetError: torchvision is not installed.
    """
    try:
        return importlib.import_module("torchvision.datasets").CIFAR10
    except ImportError as error:
        raise InvalidDatasetError(
            f"reading CIFAR-10's own batches needs torchvision ({error}); install it, or keep the flat folder of PNGs"
        ) from error


def load(dataset: DatasetSpec, folder: Path) -> dict[str, Images]:
    """Read both parts into memory: 184 MB.

    Raises:
        InvalidDatasetError: a file is missing, or is not the official one.
    """
    kind = type("Cifar", (official(),), {"base_folder": folder.name})
    parts = {}
    for part in ("train", "test"):
        try:
            with warnings.catch_warnings():
                # The batches were pickled by a numpy whose ways a later one warns of.
                warnings.simplefilter("ignore")
                read = kind(str(folder.parent), train=part == "train", download=False)
        except (RuntimeError, OSError, pickle.UnpicklingError, KeyError, ValueError) as error:
            raise InvalidDatasetError(
                f"{_culprit(kind, folder)} is missing or not the official file ({error}); "
                f"put the original files back in {folder}"
            ) from error
        pixels = torch.from_numpy(read.data.transpose(0, 3, 1, 2).copy())  # (n, 32, 32, 3) -> (n, 3, 32, 32)
        wanted = (dataset.parts.get(part, 0), *dataset.shape)
        if tuple(pixels.shape) != wanted:
            raise InvalidDatasetError(
                f"{folder} holds {tuple(pixels.shape)} in part {part}, the data set was listed with {wanted}; "
                "put the original files back"
            )
        parts[part] = Images(pixels, torch.tensor(read.targets, dtype=torch.int64))
    return parts


def _culprit(kind: Any, folder: Path) -> Path:
    """Return the file that is not what it should be, for the error message."""
    check_integrity = importlib.import_module("torchvision.datasets.utils").check_integrity

    listed = [*kind.train_list, *kind.test_list, (kind.meta["filename"], kind.meta["md5"])]
    return next((folder / name for name, md5 in listed if not check_integrity(str(folder / name), md5)), folder)
