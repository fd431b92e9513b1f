"""Reads packed files (packing/packed.py) of uploads and of the cache. Pixels are mapped and stay on disk."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import safetensors
import torch

from models.messages import DataFaults
from trainers.data.images import Images, Origin
from trainers.process.errors import InvalidDatasetError

if TYPE_CHECKING:
    from pathlib import Path

    from trainers.process.spec import DatasetSpec


def path_of(dataset: DatasetSpec) -> Path:
    """Return the packed file of an uploaded data set.

    Raises:
        InvalidDatasetError: it was not fetched.
    """
    if dataset.path is None or not dataset.path.is_file():
        raise InvalidDatasetError(DataFaults.packed_not_here(name=dataset.name, path=str(dataset.path)))
    return dataset.path


def load(dataset: DatasetSpec, path: Path, shape: tuple[int, ...] | None = None) -> dict[str, Images]:
    """Map the pixels of every part and read the labels. ``shape`` is that of the file, when not the data set's own.

    Raises:
        InvalidDatasetError: the file is damaged, or does not hold what the data set was listed with.
    """
    try:
        with safetensors.safe_open(str(path), framework="np") as file:
            return {
                part: _part(file, dataset, path, part, (count, *(shape or dataset.shape)))
                for part, count in dataset.parts.items()
            }
    except (OSError, safetensors.SafetensorError) as error:
        raise InvalidDatasetError(
            DataFaults.packed_unreadable(path=str(path), name=dataset.name, error=str(error))
        ) from error


def origin(path: Path) -> Origin:
    """Return what a prepared file was made from and by. Files of older versions do not tell."""
    with safetensors.safe_open(str(path), framework="np") as file:
        facts = json.loads(file.metadata()["ganforge"])
    return Origin(facts.get("content"), facts.get("pillow"))


def _part(file: Any, dataset: DatasetSpec, path: Path, part: str, wanted: tuple[int, ...]) -> Images:
    pixels = _tensor(file, path, f"{part}.pixels", wanted)
    if f"{part}.labels" not in file.keys():  # noqa: SIM118 - not a dict
        return Images(pixels, None)
    low, high = _tensor(file, path, f"{part}.labels", (wanted[0], 2)).long().unbind(1)
    labels = low + 256 * high
    if labels.numel() and int(labels.max()) >= len(dataset.classes):
        raise InvalidDatasetError(
            DataFaults.packed_label(
                path=str(path),
                label=int(labels.max()),
                part=part,
                name=dataset.name,
                classes=len(dataset.classes),
            )
        )
    return Images(pixels, labels)


def _tensor(file: Any, path: Path, name: str, wanted: tuple[int, ...]) -> torch.Tensor:
    """Map one tensor, if its type and shape in the header are right."""
    if name not in file.keys():  # noqa: SIM118 - not a dict
        raise InvalidDatasetError(DataFaults.packed_lacks(path=str(path), name=name))
    facts = file.get_slice(name)
    found = tuple(facts.get_shape())
    if facts.get_dtype() != "U8" or found != wanted:
        sizes = ["x".join(str(n) for n in shape) for shape in (found, wanted)]
        raise InvalidDatasetError(
            DataFaults.packed_other_shape(
                path=str(path), type=facts.get_dtype(), found=sizes[0], name=name, wanted=sizes[1]
            )
        )
    return _mapped(path, name, found)


def _mapped(path: Path, name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """Map a tensor, read-only, of a file that safetensors has validated.

    safetensors itself would map it writable, which counts as memory of the process's own: a data set larger than what
    a trainer allows itself (devices.limit_memory) could not be opened.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        begin = 8 + length + int(json.loads(file.read(length))[name]["data_offsets"][0])
    if 0 in shape:
        return torch.empty(shape, dtype=torch.uint8)
    with warnings.catch_warnings():
        # Torch warns because it has no read-only tensors. Images are never written to.
        warnings.filterwarnings("ignore", message=".*not writable", category=UserWarning)
        return torch.from_numpy(np.memmap(path, np.uint8, "r", begin, shape))
