"""Data sets as uint8 tensors. Normalisation happens per batch, on the device."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from trainers.datasets import idx
from trainers.datasets.images import Images
from trainers.errors import InvalidDatasetError

if TYPE_CHECKING:
    from trainers.spec import DatasetSpec

BUILT_IN = Path(__file__).parent.parent / "data"

# Names of the files with the images and the classes of each part, in MNIST's layout.
_IDX_FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


def load(
    dataset: DatasetSpec, data_roots: tuple[Path, ...], cache: Path, size: int, crop: str = "center"
) -> dict[str, Images]:
    """Return every part of a data set as square images of ``size`` pixels, on the CPU.

    ``crop`` is "center", or "face" for pictures of people. Images a little smaller than ``size`` get a black frame.
    What has to be decoded or scaled is done once and kept in the folder ``cache``.

    Raises:
        InvalidDatasetError: a file is missing or damaged, or the layout is unknown.
    """
    del cache, crop
    if dataset.layout != "idx":
        raise InvalidDatasetError(f"data set {dataset.name} has the layout {dataset.layout!r}; this trainer reads idx")
    channels, height, width = dataset.shape
    if channels != 1:
        raise InvalidDatasetError(f"data set {dataset.name} has {channels} channels; idx files hold one")
    folder = _folder(dataset, data_roots)
    parts = {}
    for part, names in _IDX_FILES.items():
        of_pixels, of_labels = [idx.find(folder, name) for name in names]
        if of_pixels is None:
            raise InvalidDatasetError(f"{folder} lacks {names[0]} (plain or .gz); put the original file back")
        count = dataset.parts[part]
        pixels = torch.from_numpy(idx.read(of_pixels, (count, height, width))).unsqueeze(1)
        labels = None if of_labels is None else torch.from_numpy(idx.read(of_labels, (count,))).long()
        parts[part] = Images(framed(pixels, size), labels)
    return parts


def framed(pixels: torch.Tensor, size: int) -> torch.Tensor:
    """Put a black frame around images (n, channels, height, width) to make them ``size`` pixels high and wide."""
    height, width = pixels.shape[2:]
    if (height, width) == (size, size):
        return pixels
    top, left = (size - height) // 2, (size - width) // 2
    return torch.nn.functional.pad(pixels, (left, size - width - left, top, size - height - top))


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
