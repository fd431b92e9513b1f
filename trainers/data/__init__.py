"""Data sets as uint8 tensors. Normalisation happens per batch, on the device."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Callable

import torch

from packing import layouts
from packing.builtin import BUILTIN_ROOT
from trainers.data import celeba, cifar, folders, idx, lsun, packed, prepare
from trainers.data.cache import once
from trainers.data.images import Images
from trainers.data.prepare import Fit
from trainers.process.errors import InvalidDatasetError

if TYPE_CHECKING:
    from trainers.process.spec import DatasetSpec


# Layouts that are read into memory as they are; all others are one picture after the other, decoded once.
_ARRAYS = {"idx": idx.load, "cifar": cifar.load}
_PICTURES = {
    "celeba": celeba.pictures,
    "lsun-lmdb": lsun.pictures,
    "cifar-flat": folders.flat_cifar,
    "folder": folders.pictures,
    "domains": folders.pictures,
}


def load(
    dataset: DatasetSpec,
    data_roots: tuple[Path, ...],
    cache: Path,
    size: int,
    crop: str = "center",
    say: Callable[[str], None] | None = None,
    *,
    frame: bool = True,
) -> dict[str, Images]:
    """Return every part of a data set as square images of ``size`` pixels, on the CPU.

    ``crop`` is "center", or "face" for pictures of people. Images a little smaller than ``size`` get a black frame,
    or are scaled where ``frame`` is false: a window that is cut out at random should not see one. What has to be
    decoded or scaled is done once and kept in the folder ``cache``; ``say`` hears how far that is.

    Raises:
        InvalidDatasetError: a file is missing or damaged, or the layout is unknown.
        TrainerError: there is no room in the cache.
    """
    fit = Fit.of(dataset, size, crop, say, frame=frame)
    if dataset.layout == "packed":
        path = packed.path_of(dataset)
        if fit.as_it_is:
            return packed.load(dataset, path)
        # Fetched anew for each attempt: only its content says whether it is the same file.
        files = [layouts.Entry(dataset.sha256 or packed.sha256(path), path.stat().st_size, 0)]
        return once(dataset, cache, fit, files, lambda: prepare.arrays(packed.load(dataset, path)), say)
    folder = _folder(dataset, data_roots)
    if dataset.layout in _ARRAYS:
        read = _ARRAYS[dataset.layout]
        if fit.as_it_is or fit.frame:
            return {part: Images(framed(of.pixels, size), of.labels) for part, of in read(dataset, folder).items()}
        files = layouts.files(dataset.layout, folder)
        return once(dataset, cache, fit, files, lambda: prepare.arrays(read(dataset, folder)), say)
    if dataset.layout not in _PICTURES:
        known = ", ".join(sorted({"packed", *_ARRAYS, *_PICTURES}))
        raise InvalidDatasetError(
            f"data set {dataset.name} has the layout {dataset.layout!r}; this trainer reads {known}"
        )
    pictures = _PICTURES[dataset.layout]
    files = layouts.files(dataset.layout, folder)
    return once(dataset, cache, fit, files, lambda: pictures(dataset, folder), say)


def framed(pixels: torch.Tensor, size: int) -> torch.Tensor:
    """Put a black frame around images (n, channels, height, width) to make them ``size`` pixels high and wide."""
    height, width = pixels.shape[2:]
    if (height, width) == (size, size):
        return pixels
    top, left = (size - height) // 2, (size - width) // 2
    return torch.nn.functional.pad(pixels, (left, size - width - left, top, size - height - top))


def _folder(dataset: DatasetSpec, data_roots: tuple[Path, ...]) -> Path:
    if dataset.source == "builtin":
        return BUILTIN_ROOT / dataset.folder
    tried = [root / folder for root in data_roots for folder in (dataset.folder, dataset.name)]
    for folder in tried:
        if folder.is_dir():
            return folder
    raise InvalidDatasetError(
        f"data set {dataset.name} is in none of the data roots: looked for {', '.join(map(str, tried)) or 'nothing'}; "
        "mount it there, or set GANFORGE_DATA_ROOTS"
    )
