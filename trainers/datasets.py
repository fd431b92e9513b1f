"""Data sets as one uint8 tensor. Normalisation happens per batch, on the device."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from trainers import idx
from trainers.errors import InvalidDatasetError

if TYPE_CHECKING:
    from trainers.spec import DatasetSpec

BUILT_IN = Path(__file__).parent / "data"

# Name of the file with the images of each part, in MNIST's layout.
_IDX_FILES = {"train": "train-images-idx3-ubyte", "test": "t10k-images-idx3-ubyte"}


def load(dataset: DatasetSpec, data_roots: tuple[Path, ...], split: str) -> torch.Tensor:
    """Return the images as uint8 of shape (n, channels, height, width), on the CPU.

    ``split`` is "train", or "all" for the training images followed by the test images.

    Raises:
        InvalidDatasetError: a file is missing or damaged, or the layout is unknown.
    """
    if dataset.layout != "idx":
        raise InvalidDatasetError(f"data set {dataset.name} has the layout {dataset.layout!r}; this trainer reads idx")
    channels, height, width = dataset.shape
    if channels != 1:
        raise InvalidDatasetError(f"data set {dataset.name} has {channels} channels; idx files hold one")
    folder = _folder(dataset, data_roots)
    counts = {"train": dataset.train, "test": dataset.test}
    parts = []
    for part in ("train", "test") if split == "all" else ("train",):
        path = idx.find(folder, _IDX_FILES[part])
        if path is None:
            raise InvalidDatasetError(f"{folder} lacks {_IDX_FILES[part]} (plain or .gz); put the original file back")
        parts.append(torch.from_numpy(idx.read(path, (counts[part], height, width))))
    return torch.cat(parts).unsqueeze(1)


def _folder(dataset: DatasetSpec, data_roots: tuple[Path, ...]) -> Path:
    if dataset.source == "builtin":
        return BUILT_IN / dataset.folder
    tried = [root / folder for root in data_roots for folder in (dataset.folder, dataset.name)]
    for folder in tried:
        if folder.is_dir():
            return folder
    raise InvalidDatasetError(
        f"data set {dataset.name} is in none of the data roots: looked for {', '.join(map(str, tried)) or 'nothing'}; "
        "mount it there, or set GANFORGE_DATA_ROOTS"
    )
