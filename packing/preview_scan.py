"""A preview of a data set on disk: one sheet with pictures of each class, and the number of pictures of each class."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Sequence

from PIL import Image, ImageOps

from packing.errors import DamagedError
from packing.layouts import LAYOUTS
from packing.layouts.base import Raw
from packing.picture import be_strict, decode, from_planes
from packing.preview import SIDE

if TYPE_CHECKING:
    from packing.layouts.base import Content, DatasetFiles, PreviewPictures

# Pixels a side at which a picture is shown, unless the data set's own are fewer.
_LARGEST_CELL = 64
# With more groups, one row per group would make the sheet too tall.
_MOST_ROWS = 16


def survey(dataset: DatasetFiles, preview: Path) -> dict[str, Any]:
    """Write a preview as a PNG; return the facts: ``class_counts``, in the order of the classes, or None.

    Raises:
        ValueError: the data set is damaged, or nobody knows its layout.
        OSError: it cannot be read, or the disk is full.
    """
    be_strict()
    if dataset.layout not in LAYOUTS:
        raise ValueError(f"the layout {dataset.layout!r} is not known here")
    pictures = LAYOUTS[dataset.layout].preview(dataset)
    sheet = _sheet(pictures, min(*dataset.shape[1:], _LARGEST_CELL), grey=dataset.shape[0] == 1)
    sheet.save(preview, "PNG")
    return {"class_counts": pictures.counts}


def _sheet(pictures: PreviewPictures, cell: int, *, grey: bool) -> Image.Image:
    """Return a sheet with the groups in rows, each with pictures from all over it.

    Raises:
        ValueError: no picture can be read; says why not.
    """
    groups = pictures.groups
    if len(groups) > _MOST_ROWS:
        groups = [[one for group in groups for one in group]]
    columns = max(SIDE, len(groups))
    rows = max(1, SIDE // len(groups))
    sheet = Image.new("RGB", (columns * cell, rows * len(groups) * cell), "white")
    drawn, problem = 0, "it holds none"
    for above, group in enumerate(groups):
        for place, entry in enumerate(_spread(group, rows * columns)):
            row, column = divmod(place, columns)
            try:
                picture = _square(pictures.take(entry), cell, grey=grey)
            except (DamagedError, OSError) as error:
                problem = f"{entry} {error}"
                continue
            sheet.paste(picture, (column * cell, (above * rows + row) * cell))
            drawn += 1
    if not drawn:
        raise ValueError(f"no picture of it can be shown: {problem}")
    return sheet


def _square(content: Content, side: int, *, grey: bool) -> Image.Image:
    """Return a picture as a square of this size."""
    if isinstance(content, Raw):
        image = from_planes(content.pixels, content.shape)
        size = (side, side)
        return image if image.size == size else ImageOps.fit(image, size, Image.Resampling.LANCZOS)
    return decode(content.read_bytes() if isinstance(content, Path) else content, side, grey=grey).image


def _spread(group: Sequence[Any], count: int) -> list[Any]:
    """Return this many entries, spread evenly over the group; all of them if there are fewer."""
    return [group[n * len(group) // count] for n in range(count)] if len(group) > count else list(group)
