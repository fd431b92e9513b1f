"""Derives the parts and classes of a data set from the folders of an archive."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Iterable, Tuple

from models.messages import FolderFaults, Remedies
from packing.errors import RefusedError, printable
from packing.limits import (
    FEWEST_IMAGES,
    FEWEST_IN_A_CLASS,
    HELD_OUT,
    LONGEST_CLASS,
    MOST_CLASSES,
)

Folder = Tuple[str, ...]

_DOMAINS = {"a": "trainA", "b": "trainB", "traina": "trainA", "trainb": "trainB", "testa": "testA", "testb": "testB"}
# Nothing is chosen by validation here, so its pictures are test pictures.
_HALVES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("test", "testing", "val", "valid", "validation", "eval", "dev"), "test"),
}
# The number of bytes in the header of a packed file for class names, quoted twice.
_MOST_NAMES = 100_000


@dataclass
class Folders:
    """The number of pictures in each folder of the archive, counted in the first pass."""

    counts: dict[Folder, int] = field(default_factory=dict)  # 0: its pictures are damaged or of another kind
    seen: set[Folder] = field(default_factory=set)  # includes folders without pictures
    others: set[Folder] = field(default_factory=set)  # hold files that are no pictures

    def expect(self, folder: Folder) -> None:
        """Add the folder of a picture that may turn out to be damaged."""
        self.counts.setdefault(folder, 0)
        self.seen.add(folder)

    def add(self, folder: Folder) -> None:
        """Count a picture in a folder."""
        self.expect(folder)
        self.counts[folder] += 1

    def add_other(self, folder: Folder) -> None:
        """Add the folder of a file that is no picture."""
        self.others.add(folder)
        self.seen.add(folder)

    def without_other_files(self) -> set[Folder]:
        """Return the folders that count: all but those of other files only, such as the labels beside the pictures.

        An empty folder counts. It is a class whose pictures somebody forgot.
        """
        pictured, others = _enclosing(self.counts), _enclosing(self.others)
        return {folder for folder in self.seen if folder in pictured or folder not in others}


@dataclass(frozen=True)
class Destination:
    """Where the pictures of a folder go. Of a class without a test part every tenth picture is held out for one."""

    part: str
    label: int | None = None
    hold_out: bool = False


@dataclass(frozen=True)
class Layout:
    """What the data set will be. ``kind`` is "packed", or "domains" for translation."""

    kind: str
    classes: tuple[str, ...]
    destinations: dict[Folder, Destination]
    tests: tuple[str, ...] = ()  # the folders that together are the test part, where there are several


def understand(folders: Folders) -> Layout:
    """Return the data set that these folders describe.

    Raises:
        RefusedError: too few pictures, or folders that describe none; says which and how it should be.
    """
    total = sum(folders.counts.values())
    if total < FEWEST_IMAGES:
        found = FolderFaults.pictures_in_all(count=total) if total else FolderFaults.no_picture_in_all()
        raise RefusedError(found, Remedies.at_least_in_all(fewest=FEWEST_IMAGES))
    seen = folders.without_other_files()
    depth = _common(seen, folders.counts)
    inner = {folder[depth:]: folder for folder in seen if len(folder) >= depth}
    counts = {folder: folders.counts.get(whole, 0) for folder, whole in inner.items()}
    layout = _describe(counts)
    return replace(
        layout, destinations={inner[folder]: destination for folder, destination in layout.destinations.items()}
    )


def _enclosing(folders: Iterable[Folder]) -> set[Folder]:
    """Return these folders and all that they lie in."""
    return {folder[:depth] for folder in folders for depth in range(len(folder) + 1)}


def _common(seen: set[Folder], counts: dict[Folder, int]) -> int:
    """Return the depth of the folders that contain everything else and no picture, such as the one that was packed."""
    depth = 0
    while True:
        tops = {folder[depth] for folder in seen if len(folder) > depth}
        beside = any(len(folder) == depth for folder, count in counts.items() if count)
        if beside or len(tops) != 1:
            return depth
        depth += 1


def _describe(counts: dict[Folder, int]) -> Layout:
    full = {folder for folder, count in counts.items() if count}
    tops = {folder[0] for folder in counts if folder}
    if full == {()}:
        return Layout("packed", (), {(): Destination("train")})
    if () in full:
        example = printable("/".join(min(full - {()})))
        raise RefusedError(FolderFaults.pictures_beside_folders(example=example), Remedies.shapes())
    names = {top.lower() for top in tops}
    if len(names) == len(tops):
        if names <= set(_DOMAINS) and len(names) > 1:
            return _domains(counts, tops)
        if names <= set(_HALVES) and "train" in {_HALVES[name] for name in names}:
            tests = tuple(sorted(top for top in tops if _HALVES[top.lower()] == "test"))
            return replace(_halves(counts, tops), tests=tests if len(tests) > 1 else ())
    _no_deeper(full, 1)
    classes = _classes(counts, {folder[0] for folder in counts if len(folder) == 1}, ())
    destinations: dict[Folder, Destination] = {
        (name,): Destination("train", label, counts[(name,)] >= HELD_OUT) for label, name in enumerate(classes)
    }
    return Layout("packed", _readable(classes), destinations)


def _domains(counts: dict[Folder, int], tops: set[str]) -> Layout:
    """Return the data set of two domains to translate between."""
    parts = {top: _DOMAINS[top.lower()] for top in tops}
    missing = {"trainA", "trainB"} - set(parts.values())
    if missing or len(set(parts.values())) != len(parts):
        names = ", ".join(sorted(f"{top}/" for top in tops))
        raise RefusedError(FolderFaults.no_pair(found=names), Remedies.shapes())
    _no_deeper({folder for folder, count in counts.items() if count}, 1)
    for top in sorted(tops):
        count = counts.get((top,), 0)
        if count < FEWEST_IN_A_CLASS:
            found = FolderFaults.holds_few(folder=top, count=count) if count else FolderFaults.holds_none(folder=top)
            raise RefusedError(found, Remedies.at_least_here(fewest=FEWEST_IN_A_CLASS))
    return Layout("domains", (), {(top,): Destination(part) for top, part in parts.items()})


def _halves(counts: dict[Folder, int], tops: set[str]) -> Layout:
    """Return the data set of parts for training and testing, with classes or without."""
    parts = {top: _HALVES[top.lower()] for top in tops}
    full = {folder for folder, count in counts.items() if count}
    if all(len(folder) == 1 for folder in full):
        return _without_classes(counts, {(top,) for top in tops}, parts)
    _no_deeper(full, 2)
    if any(len(folder) == 1 for folder in full):
        raise RefusedError(FolderFaults.pictures_beside_classes(), Remedies.shapes())
    inner: set[Folder] = {folder for folder in counts if len(folder) == 2}
    if len({name for _, name in inner}) == 1:
        # One folder in each part, such as images/, is an enclosing folder and no class.
        return _without_classes(counts, inner, parts)
    train = min(top for top in tops if parts[top] == "train")
    classes = _classes(counts, {name for top, name in inner if top == train}, (train,))
    for top, name in sorted(inner):
        if name not in classes:
            lacking = FolderFaults.class_lacking(folder=top, train=train, name=printable(name))
            raise RefusedError(lacking, Remedies.give_both())
    _all_filled(counts, inner)
    destinations = {folder: Destination(parts[folder[0]], classes.index(folder[1])) for folder in inner}
    return Layout("packed", _readable(classes), destinations)


def _without_classes(counts: dict[Folder, int], folders: set[Folder], parts: dict[str, str]) -> Layout:
    _all_filled(counts, folders)
    return Layout("packed", (), {folder: Destination(parts[folder[0]]) for folder in folders})


def _all_filled(counts: dict[Folder, int], folders: set[Folder]) -> None:
    for folder in sorted(folders):
        if not counts.get(folder):
            path = "/".join(printable(name) for name in folder)
            raise RefusedError(FolderFaults.holds_none(folder=path), Remedies.fill_or_remove())


def _classes(counts: dict[Folder, int], names: set[str], outer: Folder) -> list[str]:
    """Return the classes in alphabetical order."""
    classes = sorted(names)
    for name in classes:
        count = counts.get((*outer, name), 0)
        if count < FEWEST_IN_A_CLASS:
            path = "/".join((*outer, printable(name)))
            found = (
                FolderFaults.class_holds_few(folder=path, count=count)
                if count
                else FolderFaults.class_holds_none(folder=path)
            )
            raise RefusedError(found, Remedies.at_least_in_class(fewest=FEWEST_IN_A_CLASS))
        if len(name) > LONGEST_CLASS:
            raise RefusedError(FolderFaults.long_class_name(name=printable(name)), Remedies.shorten(most=LONGEST_CLASS))
    if len(classes) > MOST_CLASSES or len(json.dumps(json.dumps(classes, ensure_ascii=True))) > _MOST_NAMES:
        raise RefusedError(
            FolderFaults.too_many_classes(classes=len(classes)), Remedies.fewer_classes(most=MOST_CLASSES)
        )
    return classes


def _readable(classes: list[str]) -> tuple[str, ...]:
    names = tuple(printable(name) for name in classes)
    if len(set(names)) != len(names):
        raise RefusedError(FolderFaults.unreadable_names(), Remedies.name_in_utf8())
    return names


def _no_deeper(full: set[Folder], depth: int) -> None:
    deep = sorted(folder for folder in full if len(folder) > depth)
    if deep:
        raise RefusedError(FolderFaults.too_deep(folder=printable("/".join(deep[0]))), Remedies.shapes())
