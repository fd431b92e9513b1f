"""CIFAR-10 (Krizhevsky 2009) as its author packed it: pickles of which only lists, numbers and bytes are taken.

A pickle can name any function to be called. Here it can name what an array is made of, and nothing else, so a batch
that is not the official one is refused or shows other pictures, and does no harm. Training takes the official files
only.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any, NamedTuple

from models.messages import DataFaults
from packing.layouts.base import (
    Array,
    ArrayLayout,
    DatasetFiles,
    Entry,
    KnownDataset,
    LayoutError,
    PreviewPictures,
    Raw,
    by_class,
    class_counts,
)
from packing.layouts.checksums import first_other
from packing.layouts.walk import files_in

if TYPE_CHECKING:
    from pathlib import Path

_SHAPE = (3, 32, 32)
_PICTURE = 3 * 32 * 32
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
# MD5 of each file, from the author's page.
CHECKSUMS = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
    "batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
}
_PARTS = {"train": [f"data_batch_{n}" for n in range(1, 6)], "test": ["test_batch"]}


class Batch(NamedTuple):
    """Pictures, 3,072 bytes each, channel by channel; and the number of each one's class."""

    pixels: bytes
    labels: list[int]


class CifarLayout(ArrayLayout):
    """The seven official files."""

    name = "cifar"
    position = 2
    how = (
        "into memory (184 MB), if the checksums of the files are the official ones; pickles may name nothing but arrays"
    )
    known = (
        KnownDataset(
            "cifar-10", "found", "cifar", "cifar-10-batches-py", {"train": 50_000, "test": 10_000}, _SHAPE, CLASSES
        ),
    )

    def matches(self, folder: Path) -> bool:
        """Return whether all files are there."""
        return all((folder / name).is_file() for name in CHECKSUMS)

    def files(self, folder: Path) -> list[Entry]:
        """Return the official files."""
        return sorted(entry for entry in files_in(folder) if entry.name in CHECKSUMS)

    def arrays(self, dataset: DatasetFiles) -> dict[str, Array]:
        """Read both parts, once the checksums are right."""
        folder = dataset.folder
        wrong = first_other(folder, CHECKSUMS)
        if wrong is not None:
            name, problem = wrong
            raise LayoutError(DataFaults.cifar_not_official(file=str(folder / name), error=problem, folder=str(folder)))
        parts = {}
        for part, found in batches(folder).items():
            pixels = bytearray().join(batch.pixels for batch in found)
            labels = bytearray().join(bytes(batch.labels) for batch in found)
            shape, wanted = (len(labels), *_SHAPE), (dataset.parts.get(part, 0), *dataset.shape)
            if shape != wanted:
                raise LayoutError(
                    DataFaults.cifar_other_shape(folder=str(folder), shape=str(shape), part=part, wanted=str(wanted))
                )
            parts[part] = Array(pixels, labels)
        return parts

    def preview(self, dataset: DatasetFiles) -> PreviewPictures:
        """Read all batches, official or not."""
        parts = batches(dataset.folder)
        pictures = [(batch, number) for batch in parts["train"] for number in range(len(batch.labels))]

        def take(position: int) -> Raw:
            batch, number = pictures[position]
            return Raw(batch.pixels[number * _PICTURE : (number + 1) * _PICTURE], _SHAPE)

        labels = [label for batch in parts["train"] for label in batch.labels]
        every = [label for found in parts.values() for batch in found for label in batch.labels]
        return PreviewPictures(by_class(labels, dataset), take, class_counts(every, dataset))


def batches(folder: Path) -> dict[str, list[Batch]]:
    """Return the batches of both parts.

    Raises:
        ValueError: a file is no such batch.
        OSError: one cannot be read.
    """
    return {part: [_read(folder / name) for name in files] for part, files in _PARTS.items()}


class _Array:
    """Stands in for an array of numpy while it is read: keeps its bytes."""

    content = b""

    def __init__(self, *_: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, tuple) and state and isinstance(state[-1], bytes):
            self.content = state[-1]


def _encode(text: Any, _: Any = None) -> bytes:
    return text.encode("latin-1") if isinstance(text, str) else b""


_KNOWN = {
    "numpy.core.multiarray _reconstruct": _Array,
    "numpy._core.multiarray _reconstruct": _Array,
    "numpy ndarray": _Array,
    "numpy dtype": _Array,
    "_codecs encode": _encode,
}


# What a pickle raises that is damaged, or holds something else.
_NO_BATCH = (
    *(pickle.UnpicklingError, AttributeError, EOFError, KeyError, IndexError, TypeError, ValueError),
    OverflowError,  # a length that no machine has room for
)


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Return what stands in for a name."""
        if f"{module} {name}" not in _KNOWN:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a batch of pictures")
        return _KNOWN[f"{module} {name}"]


def _read(path: Path) -> Batch:
    try:
        with path.open("rb") as file:
            found = {_text(key): value for key, value in _Reader(file, encoding="bytes").load().items()}
        pixels, labels = found["data"].content, [int(label) for label in found["labels"]]
    except _NO_BATCH as error:
        raise ValueError(f"{path} is no batch of CIFAR-10 ({error})") from error
    if len(pixels) != _PICTURE * len(labels):
        raise ValueError(f"{path} holds {len(pixels)} bytes for {len(labels)} pictures")
    return Batch(pixels, labels)


def _text(key: Any) -> str:
    return key.decode("ascii") if isinstance(key, bytes) else str(key)


LAYOUT = CifarLayout()
