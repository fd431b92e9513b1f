"""CelebA (Liu et al. 2015): aligned faces in one folder, and five lists beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.messages import DataFaults
from packing.layouts.base import (
    DatasetFiles,
    Entry,
    KnownDataset,
    LayoutError,
    Picture,
    PictureLayout,
    Pictures,
    PreviewPictures,
)
from packing.layouts.checksums import first_other
from packing.layouts.walk import files_in, pictures_below

if TYPE_CHECKING:
    from pathlib import Path

PARTITION, PICTURES = "list_eval_partition.txt", "img_align_celeba"
# MD5 of each list, from the authors' download.
CHECKSUMS = {
    "list_attr_celeba.txt": "75e246fa4810816ffd6ee81facbd244c",
    "identity_CelebA.txt": "32bd1bd63d3c78cd57e08160ec5ed1e2",
    "list_bbox_celeba.txt": "00566efa6fedff7a56946cd1c10f1c16",
    "list_landmarks_align_celeba.txt": "cc24ecafdb5b50baae59b03474781f8c",
    PARTITION: "d32c9cbf5e040fd4025c592c306e6668",
}
# Each line of the partition names a picture, and 0 (train), 1 (validation) or 2 (test). Nothing is chosen by validation
# here, so those pictures count as test, and come first.
_SPLITS = {"train": ("0",), "test": ("1", "2")}


class CelebaLayout(PictureLayout):
    """`img_align_celeba/` and the five lists."""

    name = "celeba"
    position = 4
    how = "as its lists say, whose checksums have to be the official ones; every picture of the lists has to be there"
    known = (KnownDataset("celeba", "found", "celeba", "celeba", {"train": 162_770, "test": 39_829}, (3, 218, 178)),)

    def matches(self, folder: Path) -> bool:
        """Return whether the partition and the folder of pictures are there."""
        return (folder / PARTITION).is_file() and (folder / PICTURES).is_dir()

    def files(self, folder: Path) -> list[Entry]:
        """Return the lists and the pictures."""
        lists = [entry for entry in files_in(folder) if entry.name.endswith(".txt")]
        return sorted([*lists, *pictures_below(folder, PICTURES)])

    def counts(self, folder: Path) -> dict[str, int]:
        """Count the lines of the partition."""
        names = _partition(folder)
        return {part: sum(len(names[split]) for split in splits) for part, splits in _SPLITS.items()}

    def pictures(self, dataset: DatasetFiles) -> Pictures:
        """Yield the pictures of both parts in the order of the list, once all are known to be there."""
        folder, place = dataset.folder, dataset.folder / PICTURES
        wrong = first_other(folder, CHECKSUMS)
        if wrong is not None:
            name, problem = wrong
            raise LayoutError(
                DataFaults.celeba_not_official(file=str(folder / name), error=problem, folder=str(folder))
            )
        listed = _partition(folder)
        names = {part: [name for split in splits for name in listed[split]] for part, splits in _SPLITS.items()}
        here = {path.name for path in place.iterdir()}
        missing = [name for part in names.values() for name in part if name not in here]
        if missing:
            total = sum(map(len, names.values()))
            raise LayoutError(
                DataFaults.celeba_lacks(
                    place=str(place), count=len(missing), total=total, name=dataset.name, first=min(missing)
                )
            )
        for part, wanted in names.items():
            yield part, (Picture(str(place / name), place / name) for name in wanted)

    def preview(self, dataset: DatasetFiles) -> PreviewPictures:
        """Read the partition only, official or not."""
        names = [f"{PICTURES}/{name}" for name in _partition(dataset.folder)["0"]]
        return PreviewPictures([names], lambda name: dataset.folder / name)


def _partition(folder: Path) -> dict[str, list[str]]:
    """Return the names of the pictures of each split, in the order of the list.

    Raises:
        ValueError: a line is none of this list.
    """
    path = folder / PARTITION
    names: dict[str, list[str]] = {"0": [], "1": [], "2": []}
    with path.open(encoding="ascii", errors="replace") as lines:
        for line in lines:
            words = line.split()
            if len(words) != 2 or words[1] not in names:
                raise ValueError(f"{path} has the line {line[:80].strip()!r}; a picture and 0, 1 or 2 were expected")
            names[words[1]].append(words[0])
    return names


LAYOUT = CelebaLayout()
