"""What a layout of data sets is: how its files are recognised, listed, counted, previewed and read for training.

Nothing here needs numpy, torch or Pillow: a layout hands out the bytes of files and of pixels, and its callers decode
them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping, NamedTuple, Sequence, Tuple, Union

from models.messages import MessageError

TRAIN, TEST = "train", "test"


class LayoutError(MessageError, ValueError):
    """A file of a data set is missing or damaged, or holds something else; the message says which and what to do."""


class Entry(NamedTuple):
    """One file: its name below the data set's folder, its bytes, and when it was last written."""

    name: str
    size: int
    mtime: int


@dataclass(frozen=True)
class KnownDataset:
    """A data set whose facts are known before anyone opens it. `shape` is (channels, height, width)."""

    name: str
    source: str  # "builtin" or "found"
    layout: str
    folder: str  # below the data root, where torchvision puts it
    parts: dict[str, int]  # images of each part when complete: train and test, or trainA, trainB, testA, testB
    shape: tuple[int, int, int]
    classes: tuple[str, ...] = ()
    also: tuple[str, ...] = ()  # other folders that people keep it in; a folder named as the data set is always tried

    def as_spec(self) -> dict[str, object]:
        """Return it as a trainer's spec has a data set (models/wire.py)."""
        return {name: value for name, value in asdict(self).items() if name != "also"}

    @property
    def images(self) -> int:
        """Images of all parts together."""
        return sum(self.parts.values())

    @property
    def folders(self) -> tuple[str, ...]:
        """Every place below a data root where it may stand, the likeliest first."""
        return tuple(dict.fromkeys((self.folder, self.name, *self.also)))


class DatasetFiles(NamedTuple):
    """A data set as its row has it, and its folder on this machine. ``shape`` is (channels, height, width)."""

    layout: str
    folder: Path
    shape: Sequence[int]
    classes: Sequence[str]
    name: str = ""  # from here on: what only training needs
    parts: Mapping[str, int] = {}


class Raw(NamedTuple):
    """The pixels of one picture as they are, channel by channel and row by row; ``shape`` as that of a data set."""

    pixels: bytes
    shape: Sequence[int]


Content = Union[Path, bytes, Raw]  # a picture before it is decoded: its file, the bytes of a file, or its pixels


class Picture(NamedTuple):
    """One picture to train on, before it is decoded."""

    name: str  # as an error should call it
    content: Content
    label: int | None = None


Pictures = Iterator[Tuple[str, Iterator[Picture]]]  # of each part, in the order in which they are stored


class Array(NamedTuple):
    """All pictures of one part in memory, and the numbers of their classes, one byte each, where they have any."""

    pixels: bytearray  # (n, channels, height, width)
    labels: bytearray | None


class PreviewPictures(NamedTuple):
    """Pictures for training in groups that people want to tell apart: classes, domains, or all of them together."""

    groups: Sequence[Sequence[Any]]
    take: Callable[[Any], Content]  # gives the picture of an entry of a group
    counts: list[int] | None = None  # images of each class, of all parts


class Layout(ABC):
    """One way to store a data set in a folder. An instance in a module of this package is assigned to `LAYOUT`."""

    name: str
    position: int  # of two layouts of one data set, the one with the lower position is taken
    known: tuple[KnownDataset, ...] = ()
    how: str  # how it is read, as the documentation says it
    any_name = False  # a folder of any name right below a data root is a data set if its files are there
    small_images = False  # one small size: a black frame serves better than scaling to a slightly larger one

    @abstractmethod
    def matches(self, folder: Path) -> bool:
        """Return whether a folder looks like a data set of this layout. Goes by names."""

    @abstractmethod
    def files(self, folder: Path) -> list[Entry]:
        """Return every file that belongs to a data set, sorted by name."""

    def counts(self, folder: Path) -> dict[str, int]:  # noqa: ARG002 - most layouts look into the folder
        """Return the pictures of each part, as far as they can be counted without opening one; else nothing.

        Raises:
            ValueError: a list or a database is damaged; the message says which.
            OSError: it cannot be read.
        """
        return {}

    @abstractmethod
    def preview(self, dataset: DatasetFiles) -> PreviewPictures:
        """Open a data set to take single pictures out of it. Reads no more than that needs.

        Raises:
            ValueError: a file is damaged.
            OSError: a file cannot be read.
        """


class PictureLayout(Layout):
    """Pictures that have to be decoded one by one."""

    @abstractmethod
    def pictures(self, dataset: DatasetFiles) -> Pictures:
        """Yield the pictures of each part.

        Raises:
            LayoutError: a file is missing or damaged.
        """


class PartsLayout(PictureLayout):
    """Pictures below a folder. Where they lie there says to which part they belong."""

    @abstractmethod
    def parts(self, folder: Path) -> dict[str, list[Entry]]:
        """Return the pictures of each part, sorted by name."""

    def files(self, folder: Path) -> list[Entry]:
        """Return the pictures of all parts."""
        return [entry for entries in self.parts(folder).values() for entry in entries]

    def counts(self, folder: Path) -> dict[str, int]:
        """Count the pictures of each part."""
        return {part: len(entries) for part, entries in self.parts(folder).items()}


class ArrayLayout(Layout):
    """Pixels that are read into memory as they are."""

    small_images = True

    @abstractmethod
    def arrays(self, dataset: DatasetFiles) -> dict[str, Array]:
        """Return the pictures of each part.

        Raises:
            LayoutError: a file is missing or damaged, or does not hold what the data set was listed with.
        """


AnyLayout = Union[PictureLayout, ArrayLayout]


def by_class(labels: Sequence[int], dataset: DatasetFiles) -> list[list[int]]:
    """Return the positions of the labels of each class."""
    groups: list[list[int]] = [[] for _ in dataset.classes]
    for position, label in enumerate(labels):
        if 0 <= label < len(groups):
            groups[label].append(position)
    return groups


def class_counts(labels: Sequence[int], dataset: DatasetFiles) -> list[int]:
    """Return how many labels each class has.

    Raises:
        ValueError: a label is none of the data set's classes.
    """
    counted = Counter(labels)
    if sum(counted[n] for n in range(len(dataset.classes))) != len(labels):
        raise ValueError(f"{dataset.folder} has pictures of none of its {len(dataset.classes)} classes")
    return [counted[n] for n in range(len(dataset.classes))]
