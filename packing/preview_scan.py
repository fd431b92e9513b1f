"""A first look at a data set that stands on the disk: a sheet of its pictures, and how many there are of each class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Sequence

from PIL import Image

from packing.dataset_readers import DatasetFiles, Shelf, open_shelf
from packing.errors import DamagedError
from packing.picture import be_strict
from packing.preview import SIDE

if TYPE_CHECKING:
    from pathlib import Path

# With more groups a row for each would make a ribbon of the sheet.
_MOST_ROWS = 16


def survey(dataset: DatasetFiles, preview: Path) -> dict[str, Any]:
    """Write a preview as a PNG; return the facts: ``class_counts``, in the order of the classes, or None.

    Raises:
        ValueError: the data set is damaged.
        OSError: it cannot be read, or the disk is full.
    """
    be_strict()
    shelf = open_shelf(dataset)
    sheet = lay_out(shelf, dataset.cell)
    sheet.save(preview, "PNG")
    return {"class_counts": shelf.counts}


def lay_out(shelf: Shelf, cell: int) -> Image.Image:
    """Return a sheet with the groups in rows, each with pictures from all over it.

    Raises:
        ValueError: no picture can be read; says why not.
    """
    groups = shelf.groups if len(shelf.groups) <= _MOST_ROWS else [[one for group in shelf.groups for one in group]]
    columns = max(SIDE, len(groups))
    rows = max(1, SIDE // len(groups))
    sheet = Image.new("RGB", (columns * cell, rows * len(groups) * cell), "white")
    shown, problem = 0, "it holds none"
    for above, group in enumerate(groups):
        for place, entry in enumerate(_spread(group, rows * columns)):
            row, column = divmod(place, columns)
            try:
                picture = shelf.take(entry)
            except (DamagedError, OSError) as error:
                problem = f"{entry} {error}"
                continue
            sheet.paste(picture, (column * cell, (above * rows + row) * cell))
            shown += 1
    if not shown:
        raise ValueError(f"no picture of it can be shown: {problem}")
    return sheet


def _spread(group: Sequence[Any], count: int) -> list[Any]:
    """Return so many of a group, evenly from all over it; all where there are not so many."""
    return [group[n * len(group) // count] for n in range(count)] if len(group) > count else list(group)
