"""MNIST's own file format, IDX (LeCun et al. 1998), plain or gzipped.

Big-endian: two zero bytes, a type code (8 is uint8), the number of dimensions, a 32-bit size for each, then the data.
"""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import torch

from trainers.data.images import Images
from trainers.process.errors import InvalidDatasetError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from trainers.process.spec import DatasetSpec

# Names of the files with the images and the classes of each part, in MNIST's layout.
_FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
_UINT8 = 8
_PIECE = 1 << 20


def load(dataset: DatasetSpec, folder: Path) -> dict[str, Images]:
    """Read the images of both parts, and their classes where the files are there.

    Raises:
        InvalidDatasetError: a file is missing or damaged, or does not hold what the data set was listed with.
    """
    channels, height, width = dataset.shape
    if channels != 1:
        raise InvalidDatasetError(f"data set {dataset.name} has {channels} channels; idx files hold one")
    parts = {}
    for part, names in _FILES.items():
        of_pixels, of_labels = [find(folder, name) for name in names]
        if of_pixels is None:
            raise InvalidDatasetError(f"{folder} lacks {names[0]} (plain or .gz); put the original file back")
        count = dataset.parts[part]
        pixels = torch.from_numpy(read(of_pixels, (count, height, width))).unsqueeze(1)
        labels = None if of_labels is None else torch.from_numpy(read(of_labels, (count,))).long()
        parts[part] = Images(pixels, labels)
    return parts


def find(folder: Path, name: str) -> Path | None:
    """Return the file of this name in the folder, plain or with .gz, or None."""
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)


def read(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Read a file of bytes that must have this shape.

    Memory grows with the bytes that really come out of the file, never with what its header claims.

    Raises:
        InvalidDatasetError: the file is damaged, or holds something else; says which file and what to do.
    """
    remedy = f"put the original file back in {path.parent}"
    try:
        with path.open("rb") as plain:
            packed = plain.read(2) == b"\x1f\x8b"
            plain.seek(0)
            if not packed:
                return _parse(plain, path, shape, remedy)
            with gzip.GzipFile(fileobj=plain) as unpacked:
                return _parse(unpacked, path, shape, remedy)  # type: ignore[arg-type]
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidDatasetError(f"{path} cannot be read ({error}); {remedy}") from error


def _parse(file: BinaryIO, path: Path, shape: tuple[int, ...], remedy: str) -> NDArray[np.uint8]:
    head = file.read(4 + 4 * len(shape))
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] != _UINT8:
        raise InvalidDatasetError(
            f"{path} is not an IDX file of bytes (it begins with {head[:4].hex() or 'nothing'}); {remedy}"
        )
    sizes = tuple(int.from_bytes(head[4 + 4 * n : 8 + 4 * n], "big") for n in range(len(shape)))
    if head[3] != len(shape) or sizes != shape:
        found = "x".join(str(n) for n in sizes) if head[3] == len(shape) else f"{head[3]} dimensions"
        wanted = "x".join(str(n) for n in shape)
        raise InvalidDatasetError(f"{path} holds {found}, the data set was listed with {wanted}; {remedy}")
    total = int(np.prod(shape, dtype=np.int64))
    data = bytearray()
    while len(data) <= total:
        piece = file.read(min(_PIECE, total + 1 - len(data)))
        if not piece:
            break
        data += piece
    if len(data) != total:
        found = f"ends after {len(data)}" if len(data) < total else f"goes on after {total}"
        raise InvalidDatasetError(f"{path} {found} of {total} bytes of data; {remedy}")
    return np.frombuffer(data, dtype=np.uint8).reshape(shape)
