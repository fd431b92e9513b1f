"""Walks over a folder on a person's own disk: an upload's, or a data set's below a data root.

Leaves out what operating systems add. Links to folders are followed, each folder once: links may lead in circles.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Callable, Iterator, NamedTuple

from packing.names import HEAD, is_junk

if TYPE_CHECKING:
    from pathlib import Path


class Found(NamedTuple):
    """A file or a folder: its name below the first folder, with slashes, and its entry in the folder around it."""

    name: str
    entry: os.DirEntry[str]
    is_folder: bool


class Tree:
    """The files and folders below a folder, in no certain order. Iterate it once.

    ``unreadable`` hears of each folder that cannot be read. ``repeated`` holds the names of the links that lead to a
    folder that was walked under another name, or that encloses the link itself.
    """

    def __init__(self, folder: Path, unreadable: Callable[[OSError], None] = lambda _error: None) -> None:
        self.repeated: list[str] = []
        self._unreadable = unreadable
        self._folder = os.fspath(folder)
        self._visited: set[tuple[int, int]] = set()
        self._links: list[Found] = []

    def __iter__(self) -> Iterator[Found]:
        yield from self._below("", self._folder)
        # Links come last, in order, and level by level. So a folder is found under its own name if it has one here, and
        # under the same link every time if it has none.
        while self._links:
            links, self._links = sorted(self._links), []
            for link in links:
                facts = self._facts(link.entry.path)
                if facts in self._visited:
                    self.repeated.append(link.name)
                elif facts is not None:
                    yield link
                    yield from self._below(link.name, link.entry.path)

    def _below(self, name: str, path: str) -> Iterator[Found]:
        waiting = [(name, path)]
        while waiting:
            name, path = waiting.pop()
            facts = self._facts(path)
            if facts is None or facts in self._visited:  # a mount may show a folder twice, and even itself
                continue
            self._visited.add(facts)
            try:
                entries = os.scandir(path)
            except OSError as error:
                self._unreadable(error)
                continue
            with entries:
                for entry in entries:
                    if is_junk(entry.name):
                        continue
                    found = Found(f"{name}/{entry.name}" if name else entry.name, entry, is_folder(entry))
                    if found.is_folder and entry.is_symlink():
                        self._links.append(found)
                        continue
                    if found.is_folder:
                        waiting.append((found.name, entry.path))
                    yield found

    def _facts(self, path: str) -> tuple[int, int] | None:
        """Return what tells a folder from all others; None if it is gone or unreadable."""
        try:
            facts = os.stat(path)  # noqa: PTH116 - a Path each costs more than the rest
        except OSError as error:
            self._unreadable(error)
            return None
        return facts.st_dev, facts.st_ino


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a folder, or a link to one."""
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link that leads in a circle by itself


def beginning(entry: os.DirEntry[str]) -> bytes:
    """Return the first bytes of a file; none if it cannot be read, or is a pipe or a device."""
    try:
        if not entry.is_file():
            return b""
        with open(entry.path, "rb") as file:  # noqa: PTH123 - a Path each costs more than the rest
            return file.read(HEAD)
    except OSError:
        return b""
