"""The files of a folder: all of one level, or the pictures at any depth."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Iterator

from packing.layouts.base import Entry

if TYPE_CHECKING:
    from pathlib import Path

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".webp")


def pictures_below(folder: Path, below: str = "") -> Iterator[Entry]:
    """Yield pictures at any depth, in no certain order. Links to folders are not followed: they may lead in circles."""
    for base, _, names in os.walk(folder / below):
        wanted = [name for name in names if name.lower().endswith(SUFFIXES) and not name.startswith(".")]
        within = os.path.relpath(base, folder).replace(os.sep, "/")
        for name in wanted:
            path = name if within == "." else f"{within}/{name}"
            try:
                facts = os.stat(os.path.join(base, name))  # noqa: PTH116, PTH118 - a Path each costs more than the rest
            except OSError:
                yield Entry(path, 0, 0)  # a link that leads nowhere: whoever reads it names it
            else:
                yield Entry(path, facts.st_size, facts.st_mtime_ns)


def has_pictures(folder: Path) -> bool:
    """Return whether there is a picture at any depth."""
    return next(pictures_below(folder), None) is not None


def files_in(folder: Path, below: str = "") -> Iterator[Entry]:
    """Yield the files that lie directly in a folder, in no certain order; none where there is no such folder."""
    place = folder / below
    if place.is_dir():
        for path in place.iterdir():
            if path.is_file():
                facts = path.stat()
                yield Entry(path.relative_to(folder).as_posix(), facts.st_size, facts.st_mtime_ns)
