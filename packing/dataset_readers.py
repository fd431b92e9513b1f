"""Data sets that stand on the disk, opened to take single pictures out of them. Reads no more than that needs."""

from __future__ import annotations

import gzip
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Sequence

from PIL import Image, ImageOps

from packing import batches, layouts
from packing.lmdb import Database
from packing.picture import decode

if TYPE_CHECKING:
    from pathlib import Path

_LARGEST_CELL = 64
# Of an idx file of pictures: far more than any known one holds, and little enough to be read whole.
_MOST_IDX = 1 << 30
_GZIP = b"\x1f\x8b"


class DatasetFiles(NamedTuple):
    """A data set as its row has it, and its folder on this machine. ``shape`` is (channels, height, width)."""

    layout: str
    folder: Path
    shape: Sequence[int]
    classes: Sequence[str]

    @property
    def cell(self) -> int:
        """Pixels a side at which its pictures are shown."""
        return min(*self.shape[1:], _LARGEST_CELL)


class Shelf(NamedTuple):
    """Pictures for training in groups that people want to tell apart: classes, domains, or all of them together."""

    groups: Sequence[Sequence[Any]]
    take: Callable[[Any], Image.Image]  # gives the square picture of an entry of a group
    counts: list[int] | None = None  # images of each class, of all parts


def open_shelf(dataset: DatasetFiles) -> Shelf:
    """Open a data set.

    Raises:
        ValueError: a file is damaged, or nobody knows the layout.
        OSError: one cannot be read.
    """
    known = {
        "idx": _idx,
        "cifar": _cifar,
        "cifar-flat": _flat,
        "celeba": _celeba,
        "lsun-lmdb": _lsun,
        "folder": _files,
        "domains": _files,
    }
    if dataset.layout not in known:
        raise ValueError(f"the layout {dataset.layout!r} is not known here")
    return known[dataset.layout](dataset)


def _idx(dataset: DatasetFiles) -> Shelf:
    _, height, width = dataset.shape
    size = height * width
    content = _content(dataset.folder, "train-images-idx3-ubyte")
    dimensions = tuple(int.from_bytes(content[4 * n : 4 * n + 4], "big") for n in range(1, 4))
    count = dimensions[0]
    if dimensions != (count, height, width) or len(content) != 16 + count * size:
        raise ValueError(f"{dataset.folder} has pictures that are cut off, or of another size")
    labels = [_labels(dataset.folder, part) for part in ("train", "t10k")]

    def take(number: int) -> Image.Image:
        pixels = content[16 + number * size : 16 + (number + 1) * size]
        return _square(Image.frombytes("L", (width, height), pixels), dataset)

    if any(one is None for one in labels):
        return Shelf([range(count)], take)
    train, test = (one or b"" for one in labels)
    if len(train) != count:
        raise ValueError(f"{dataset.folder} has {count} pictures and classes of {len(train)}")
    return Shelf(_by_class(train, dataset), take, _counts([*train, *test], dataset))


def _labels(folder: Path, part: str) -> bytes | None:
    try:
        return _content(folder, f"{part}-labels-idx1-ubyte")[8:]
    except FileNotFoundError:
        return None


def _content(folder: Path, name: str) -> bytes:
    path = next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), folder / name)
    try:
        with path.open("rb") as plain:
            packed = plain.read(2) == _GZIP
            plain.seek(0)
            content = gzip.GzipFile(fileobj=plain).read(_MOST_IDX) if packed else plain.read(_MOST_IDX)
    except EOFError as error:
        raise ValueError(f"{path} is cut off") from error
    if content[:3] != b"\0\0\x08":
        raise ValueError(f"{path} is not an IDX file of bytes")
    return content


def _cifar(dataset: DatasetFiles) -> Shelf:
    parts = batches.batches(dataset.folder)
    labels = [label for batch in parts["train"] for label in batch.labels]
    starts = [sum(len(batch.labels) for batch in parts["train"][:n]) for n in range(len(parts["train"]))]

    def take(number: int) -> Image.Image:
        at = max(n for n, start in enumerate(starts) if start <= number)
        begin = (number - starts[at]) * batches.PICTURE
        plane = batches.SIDE * batches.SIDE
        pixels = parts["train"][at].pixels
        planes = [pixels[begin + n * plane : begin + (n + 1) * plane] for n in range(3)]
        bands = [Image.frombytes("L", (batches.SIDE, batches.SIDE), plane) for plane in planes]
        return _square(Image.merge("RGB", bands), dataset)

    every = [label for part in parts.values() for batch in part for label in batch.labels]
    return Shelf(_by_class(labels, dataset), take, _counts(every, dataset))


def _flat(dataset: DatasetFiles) -> Shelf:
    parts = layouts.pictures(dataset.layout, dataset.folder)
    numbers = {name: number for number, name in enumerate(dataset.classes)}
    labels = {
        part: [numbers.get(layouts.flat_class(entry.name) or "", -1) for entry in entries]
        for part, entries in parts.items()
    }
    entries = [entry.name for entry in parts["train"]]
    groups = [[entries[n] for n in group] for group in _by_class(labels["train"], dataset)]
    every = [label for part in labels.values() for label in part]
    return Shelf(groups, partial(_opened, dataset), _counts(every, dataset))


def _celeba(dataset: DatasetFiles) -> Shelf:
    path = dataset.folder / layouts.CELEBA_PARTITION
    lines = [line.split() for line in path.read_text(encoding="ascii", errors="replace").splitlines()]
    names = [f"{layouts.CELEBA_PICTURES}/{words[0]}" for words in lines if len(words) == 2 and words[1] == "0"]
    return Shelf([names], partial(_opened, dataset))


def _files(dataset: DatasetFiles) -> Shelf:
    parts = layouts.pictures(dataset.layout, dataset.folder)
    shown = [entries for part, entries in parts.items() if part.startswith("train")]
    return Shelf([[entry.name for entry in entries] for entries in shown], partial(_opened, dataset))


def _lsun(dataset: DatasetFiles) -> Shelf:
    path = dataset.folder / layouts.LSUN_PARTS["train"] / "data.mdb"
    with Database(path) as database:
        entries = database.entries

    def take(number: int) -> Image.Image:
        with Database(path) as database:
            content = database.near((number + 0.5) / entries)
        return decode(content, dataset.cell, grey=dataset.shape[0] == 1).image

    return Shelf([range(entries)], take)


def _opened(dataset: DatasetFiles, name: str) -> Image.Image:
    content = (dataset.folder / name).read_bytes()
    return decode(content, dataset.cell, grey=dataset.shape[0] == 1).image


def _square(image: Image.Image, dataset: DatasetFiles) -> Image.Image:
    size = (dataset.cell, dataset.cell)
    return image if image.size == size else ImageOps.fit(image, size, Image.Resampling.LANCZOS)


def _by_class(labels: Sequence[int], dataset: DatasetFiles) -> list[list[int]]:
    groups: list[list[int]] = [[] for _ in dataset.classes]
    for number, label in enumerate(labels):
        if 0 <= label < len(groups):
            groups[label].append(number)
    return groups


def _counts(labels: Sequence[int], dataset: DatasetFiles) -> list[int]:
    counted = Counter(labels)
    if sum(counted[n] for n in range(len(dataset.classes))) != len(labels):
        raise ValueError(f"{dataset.folder} has pictures of none of its {len(dataset.classes)} classes")
    return [counted[n] for n in range(len(dataset.classes))]
