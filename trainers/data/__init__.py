"""Data sets as uint8 tensors. Normalisation happens per batch, on the device."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Callable

import numpy as np
import torch

from models.messages import DataFaults, Message
from packing.builtin import BUILTIN_ROOT
from packing.layouts import LAYOUTS
from packing.layouts.base import Array, DatasetFiles, Entry, LayoutError, PictureLayout
from trainers.data import packed, prepare
from trainers.data.cache import once
from trainers.data.images import Images
from trainers.data.prepare import Squaring
from trainers.process.errors import InvalidDatasetError

if TYPE_CHECKING:
    from trainers.process.spec import DatasetSpec


def load(
    dataset: DatasetSpec,
    data_roots: tuple[Path, ...],
    cache: Path,
    size: int,
    crop: str = "center",
    say: Callable[[Message], None] | None = None,
    *,
    frame: bool = True,
) -> dict[str, Images]:
    """Return every part of a data set as square images of ``size`` pixels, on the CPU.

    ``crop`` is "center", "face" for pictures of people, or "squash" for the whole of any picture. Images a little
    smaller than ``size`` get a black frame, or are scaled where ``frame`` is false: a window that is cut out at random
    should not see one. What has to be decoded or scaled is done once and kept in the folder ``cache``; ``say`` hears
    how far that is.

    Raises:
        InvalidDatasetError: a file is missing or damaged, or the layout is unknown.
        TrainerError: there is no room in the cache.
    """
    if dataset.layout not in LAYOUTS and dataset.layout != "packed":
        known = ", ".join(sorted({"packed", *LAYOUTS}))
        raise InvalidDatasetError(
            DataFaults.unknown_layout(name=dataset.name, layout=repr(dataset.layout), known=known)
        )
    squaring = Squaring.of(dataset, size, crop, say, frame=frame)
    if dataset.layout == "packed":
        return _uploaded(dataset, cache, squaring, say)
    try:
        return _found(dataset, _folder(dataset, data_roots), cache, squaring, say)
    except LayoutError as error:
        raise InvalidDatasetError(error.message) from error


def _uploaded(
    dataset: DatasetSpec, cache: Path, squaring: Squaring, say: Callable[[Message], None] | None
) -> dict[str, Images]:
    path = packed.path_of(dataset)
    if squaring.as_it_is:
        return packed.load(dataset, path)
    # The file is fetched again for each attempt, so its times say nothing: the checksum identifies it.
    files = [Entry(dataset.sha256 or packed.sha256(path), path.stat().st_size, 0)]
    return once(dataset, cache, squaring, files, lambda: prepare.arrays(packed.load(dataset, path)), say)


def _found(
    dataset: DatasetSpec, folder: Path, cache: Path, squaring: Squaring, say: Callable[[Message], None] | None
) -> dict[str, Images]:
    layout = LAYOUTS[dataset.layout]
    here = DatasetFiles(layout.name, folder, dataset.shape, dataset.classes, dataset.name, dataset.parts)
    if isinstance(layout, PictureLayout):
        return once(dataset, cache, squaring, layout.files(folder), lambda: layout.pictures(here), say)

    def read() -> dict[str, Images]:
        return {part: _as_images(array, dataset.shape) for part, array in layout.arrays(here).items()}

    if squaring.as_it_is or squaring.frame:
        return {part: Images(framed(of.pixels, squaring.size), of.labels) for part, of in read().items()}
    return once(dataset, cache, squaring, layout.files(folder), lambda: prepare.arrays(read()), say)


def _as_images(array: Array, shape: tuple[int, ...]) -> Images:
    """Wrap the bytes of a part in tensors; pixels are not copied."""
    pixels = torch.from_numpy(np.frombuffer(array.pixels, np.uint8).reshape(-1, *shape))  # (n, channels, height, width)
    labels = None if array.labels is None else torch.from_numpy(np.frombuffer(array.labels, np.uint8)).long()  # (n,)
    return Images(pixels, labels)


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
        DataFaults.not_in_the_roots(name=dataset.name, folders=", ".join(map(str, tried)) or "nothing")
    )
