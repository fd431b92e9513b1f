"""MNIST's own file format, IDX (LeCun et al. 1998), plain or gzipped.

Big-endian: two zero bytes, a type code (8 is uint8), the number of dimensions, a 32-bit size for each, then the data.
"""

from __future__ import annotations

import gzip
import math
import zlib
from typing import TYPE_CHECKING, BinaryIO

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
from packing.layouts.walk import files_in

if TYPE_CHECKING:
    from pathlib import Path

DIGITS = tuple(str(n) for n in range(10))
FASHION = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")

# The files with the pictures and the classes of each part, in MNIST's layout.
_FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
_SIZE, _COMPLETE = (1, 28, 28), {"train": 60_000, "test": 10_000}
_UINT8 = 8
_GZIP = b"\x1f\x8b"
_PIECE = 1 << 20
# More bytes than any known file of pictures holds, and few enough to be read whole for a preview.
_MOST_PREVIEWED = 128 << 20


class IdxLayout(ArrayLayout):
    """Four IDX files: pictures and classes, for training and testing."""

    name = "idx"
    position = 1
    how = "into memory, which grows with the bytes that come out of a file, not with what its header claims"
    known = (
        KnownDataset(
            "mnist-10k", "builtin", "idx", "mnist10k/MNIST/raw", {"train": 9_000, "test": 1_000}, _SIZE, DIGITS
        ),
        KnownDataset("mnist", "found", "idx", "MNIST/raw", _COMPLETE, _SIZE, DIGITS),
        KnownDataset("fashion-mnist", "found", "idx", "FashionMNIST/raw", _COMPLETE, _SIZE, FASHION),
    )

    def matches(self, folder: Path) -> bool:
        """Return whether the four files are there, under names that are read."""
        return all(find(folder, name) is not None for names in _FILES.values() for name in names)

    def files(self, folder: Path) -> list[Entry]:
        """Return the four IDX files."""
        paths = (find(folder, name) for names in _FILES.values() for name in names)
        read_ones = {path.name for path in paths if path is not None}
        return sorted(entry for entry in files_in(folder) if entry.name in read_ones)

    def arrays(self, dataset: DatasetFiles) -> dict[str, Array]:
        """Read the pictures of both parts, and their classes where the files are there."""
        channels, height, width = dataset.shape
        if channels != 1:
            raise LayoutError(DataFaults.idx_channels(name=dataset.name, channels=channels))
        parts = {}
        for part, names in _FILES.items():
            of_pixels, of_labels = [find(dataset.folder, name) for name in names]
            if of_pixels is None:
                raise LayoutError(DataFaults.idx_lacks(folder=str(dataset.folder), name=names[0]))
            count = dataset.parts[part]
            pixels = read(of_pixels, (count, height, width))
            parts[part] = Array(pixels, None if of_labels is None else read(of_labels, (count,)))
        return parts

    def preview(self, dataset: DatasetFiles) -> PreviewPictures:
        """Read the pictures for training, and the classes of both parts."""
        _, height, width = dataset.shape
        size = height * width
        content = _whole(dataset.folder, _FILES["train"][0])
        count, *sides = (int.from_bytes(content[4 * n : 4 * n + 4], "big") for n in range(1, 4))
        if sides != [height, width] or len(content) != 16 + count * size:
            raise ValueError(f"{dataset.folder} has pictures that are cut off, or of another size")

        def take(number: int) -> Raw:
            return Raw(content[16 + number * size : 16 + (number + 1) * size], dataset.shape)

        train, test = (_labels(dataset.folder, names[1]) for names in _FILES.values())
        if train is None or test is None:
            return PreviewPictures([range(count)], take)
        if len(train) != count:
            raise ValueError(f"{dataset.folder} has {count} pictures and classes of {len(train)}")
        return PreviewPictures(by_class(train, dataset), take, class_counts(train + test, dataset))


def find(folder: Path, name: str) -> Path | None:
    """Return the file of this name in the folder, plain or with .gz, or None. Kaggle writes .idx3 for -idx3."""
    names = (name, f"{name}.gz", name.replace("-idx", ".idx"), f"{name.replace('-idx', '.idx')}.gz")
    return next((path for path in (folder / one for one in names) if path.is_file()), None)


def read(path: Path, shape: tuple[int, ...]) -> bytearray:
    """Read a file of bytes that must have this shape.

    Memory grows with the bytes that really come out of the file, never with what its header claims.

    Raises:
        LayoutError: the file is damaged, or holds something else.
    """
    try:
        with path.open("rb") as plain:
            packed = plain.read(2) == _GZIP
            plain.seek(0)
            if not packed:
                return _parse(plain, path, shape)
            with gzip.GzipFile(fileobj=plain) as unpacked:
                return _parse(unpacked, path, shape)
    except (OSError, EOFError, zlib.error) as error:
        raise LayoutError(
            DataFaults.idx_unreadable(path=str(path), error=str(error), parent=str(path.parent))
        ) from error


def _parse(file: BinaryIO | gzip.GzipFile, path: Path, shape: tuple[int, ...]) -> bytearray:
    where = {"path": str(path), "parent": str(path.parent)}
    head = file.read(4 + 4 * len(shape))
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] != _UINT8:
        raise LayoutError(DataFaults.idx_not(**where, head=head[:4].hex() or "nothing"))
    sizes = tuple(int.from_bytes(head[4 + 4 * n : 8 + 4 * n], "big") for n in range(len(shape)))
    wanted = "x".join(str(n) for n in shape)
    if head[3] != len(shape):
        raise LayoutError(DataFaults.idx_other_dimensions(**where, count=head[3], wanted=wanted))
    if sizes != shape:
        raise LayoutError(DataFaults.idx_other_shape(**where, found="x".join(str(n) for n in sizes), wanted=wanted))
    total = math.prod(shape)
    data = _up_to(file, total + 1)
    if len(data) < total:
        raise LayoutError(DataFaults.idx_short(**where, found=len(data), total=total))
    if len(data) > total:
        raise LayoutError(DataFaults.idx_long(**where, total=total))
    return data


def _up_to(file: BinaryIO | gzip.GzipFile, most: int) -> bytearray:
    """Return so many bytes, or all if there are fewer. One read would allocate what it is asked for."""
    data = bytearray()
    while piece := file.read(min(_PIECE, most - len(data))):
        data += piece
    return data


def _labels(folder: Path, name: str) -> bytes | None:
    try:
        return _whole(folder, name)[8:]
    except FileNotFoundError:
        return None


def _whole(folder: Path, name: str) -> bytes:
    """Return all bytes of a file, its header included, whatever its shape."""
    path = find(folder, name) or folder / name
    try:
        with path.open("rb") as plain:
            packed = plain.read(2) == _GZIP
            plain.seek(0)
            content = _up_to(gzip.GzipFile(fileobj=plain) if packed else plain, _MOST_PREVIEWED + 1)
    except EOFError as error:
        raise ValueError(f"{path} is cut off") from error
    if content[:3] != b"\0\0\x08":
        raise ValueError(f"{path} is not an IDX file of bytes")
    if len(content) > _MOST_PREVIEWED:
        raise ValueError(f"{path} is larger than {_MOST_PREVIEWED >> 20} MB, too large for a preview")
    return bytes(content)


LAYOUT = IdxLayout()
