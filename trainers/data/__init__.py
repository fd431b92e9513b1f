"""Data sets as uint8 tensors. Normalisation happens per batch, on the device."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Callable, Mapping, NamedTuple

import numpy as np
import torch

from models.messages import DataFaults, Message
from packing.builtin import BUILTIN_ROOT
from packing.layouts import LAYOUTS
from packing.layouts.base import Array, DatasetFiles, Entry, LayoutError, PictureLayout
from trainers.data import packed, prepare
from trainers.data.cache import once
from trainers.data.digest import of_arrays, of_file
from trainers.data.images import Images, Origin
from trainers.data.prepare import Squaring
from trainers.process.errors import InvalidDatasetError

if TYPE_CHECKING:
    from trainers.process.spec import DatasetSpec


class Loaded(NamedTuple):
    """A data set that was read: its parts, and where they come from."""

    parts: dict[str, Images]
    origin: Origin


def load(
    dataset: DatasetSpec,
    data_roots: tuple[Path, ...],
    cache: Path,
    size: int,
    crop: str = "center",
    say: Callable[[Message], None] | None = None,
    alive: Callable[[], None] = lambda: None,
    *,
    frame: bool = True,
) -> dict[str, Images]:
    """Return every part of a data set; see `read`."""
    return read(dataset, data_roots, cache, size, crop, say, alive, frame=frame).parts


def read(
    dataset: DatasetSpec,
    data_roots: tuple[Path, ...],
    cache: Path,
    size: int,
    crop: str = "center",
    say: Callable[[Message], None] | None = None,
    alive: Callable[[], None] = lambda: None,
    *,
    frame: bool = True,
) -> Loaded:
    """Read every part of a data set as square images of ``size`` pixels, on the CPU, and identify its content.

    ``crop`` is "center", "face" for pictures of people, or "squash" for the whole of any picture. Images a little
    smaller than ``size`` get a black frame, or are scaled where ``frame`` is false: a window that is cut out at random
    should not see one. What has to be decoded or scaled is done once and kept in the folder ``cache``; ``say`` hears
    how far that is, and ``alive`` is called for each file.

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
    try:
        if dataset.layout == "packed":
            found = _uploaded(dataset, cache, squaring, say, alive)
        else:
            found = _found(dataset, _folder(dataset, data_roots), cache, squaring, say, alive)
    except LayoutError as error:
        raise InvalidDatasetError(error.message) from error
    digest = found.origin.digest
    if digest is None or squaring.crop != "face":
        return found
    # Pictures are cropped to faces only where there is a detector.
    return Loaded(found.parts, found.origin._replace(digest=f"{digest} faces"))


def _uploaded(
    dataset: DatasetSpec,
    cache: Path,
    squaring: Squaring,
    say: Callable[[Message], None] | None,
    alive: Callable[[], None],
) -> Loaded:
    path = packed.path_of(dataset)
    if squaring.as_it_is:
        return Loaded(packed.load(dataset, path), Origin(dataset.sha256))
    # The file is fetched again for each attempt, so its times say nothing: the checksum identifies it.
    content = dataset.sha256 or of_file(path)
    files = [Entry(content, path.stat().st_size, 0)]

    def pictures() -> prepare.Parts:
        return prepare.arrays(packed.load(dataset, path))

    parts, origin = once(dataset, cache, squaring, files, pictures, say, alive)
    return Loaded(parts, origin._replace(digest=content))


def _found(
    dataset: DatasetSpec,
    folder: Path,
    cache: Path,
    squaring: Squaring,
    say: Callable[[Message], None] | None,
    alive: Callable[[], None],
) -> Loaded:
    layout = LAYOUTS[dataset.layout]
    here = DatasetFiles(layout.name, folder, dataset.shape, dataset.classes, dataset.name, dataset.parts)
    if isinstance(layout, PictureLayout):
        return Loaded(*once(dataset, cache, squaring, layout.files(folder), lambda: layout.pictures(here), say, alive))
    if squaring.as_it_is or squaring.frame:
        arrays = layout.arrays(here)
        images = _as_images(arrays, dataset.shape)
        parts = {part: Images(framed(of.pixels, squaring.size), of.labels) for part, of in images.items()}
        return Loaded(parts, Origin(of_arrays(arrays)))

    def pictures() -> prepare.Parts:
        return prepare.arrays(_as_images(layout.arrays(here), dataset.shape))

    return Loaded(*once(dataset, cache, squaring, layout.files(folder), pictures, say, alive))


def _as_images(arrays: Mapping[str, Array], shape: tuple[int, ...]) -> dict[str, Images]:
    """Wrap the bytes of each part in tensors; pixels are not copied."""
    found = {}
    for part, array in arrays.items():
        pixels = torch.from_numpy(np.frombuffer(array.pixels, np.uint8).reshape(-1, *shape))  # (n, C, height, width)
        labels = (
            None if array.labels is None else torch.from_numpy(np.frombuffer(array.labels, np.uint8)).long()
        )  # (n,)
        found[part] = Images(pixels, labels)
    return found


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
