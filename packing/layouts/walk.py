"""The files of a folder: all of one level, or the pictures at any depth."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Iterator

from packing.layouts.base import Entry
from packing.names import Kind, begins_as_picture, kind_of
from packing.tree import Tree, beginning

if TYPE_CHECKING:
    import os
    from pathlib import Path


def pictures_below(folder: Path, below: str = "") -> Iterator[Entry]:
    """Yield pictures at any depth, in no certain order: those that an upload of the folder would take."""
    for name, entry, is_folder in Tree(folder / below):
        if is_folder or not _is_picture(entry):
            continue
        path = f"{below}/{name}" if below else name
        try:
            facts = entry.stat()
        except OSError:
            yield Entry(path, 0, 0)  # a link that leads nowhere: whoever reads it names it
        else:
            if stat.S_ISREG(facts.st_mode):  # reading a pipe would never end
                yield Entry(path, facts.st_size, facts.st_mtime_ns)


def _is_picture(entry: os.DirEntry[str]) -> bool:
    kind = kind_of(entry.name)
    return kind is Kind.PICTURE or (kind is Kind.UNNAMED and begins_as_picture(beginning(entry)))


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
