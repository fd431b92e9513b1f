"""Imports an archive of pictures as a packed file: scans all headers first, then decodes one picture at a time."""

from __future__ import annotations

import hashlib
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Callable, Optional

from models.messages import ArchiveFaults, FolderFaults, PictureNotes, Remedies
from packing.archive import Archive, Member
from packing.code_pages import CODE_PAGES
from packing.errors import DamagedError, RefusedError, printable
from packing.folder_classes import Destination, Folders, Layout, understand
from packing.import_notes import Notes
from packing.left_out import LeftOut
from packing.limits import (
    DEFAULT_SIZE,
    FEWEST_IMAGES,
    FEWEST_IN_A_CLASS,
    HELD_OUT,
    LARGEST,
    MOST_CLASSES,
    MOST_FOLDERS,
    MOST_MEMBER,
    MOST_PACKED,
    SMALLEST,
)
from packing.names import HEAD, Kind, begins_as_picture, kind_of
from packing.packed import PARTS, PackedWriter
from packing.picture import be_strict, decode, look
from packing.preview import Preview
from packing.room import NOTHING, Keep, Room

if TYPE_CHECKING:
    from pathlib import Path

Progress = Callable[[str, int, Optional[int]], None]  # stage, pictures done, of how many
Reading = Callable[[str], None]  # called with the name of each member before it is read


@dataclass(frozen=True)
class Order:
    """An import to carry out. ``size`` None keeps square pictures of one size, and scales all others to 64 pixels."""

    archive: Path
    out: Path
    preview: Path
    size: int | None = None
    skip_damaged: bool = False
    keep: Keep = NOTHING


def import_archive(order: Order, progress: Progress, reading: Reading = lambda _name: None) -> dict[str, Any]:
    """Write the packed file and its preview; return the facts. ``reading`` learns each file before it is read.

    Raises:
        RefusedError: the archive is no data set.
        OSError: the disk is full.
    """
    be_strict()
    archive = Archive(order.archive)
    survey = _Survey(archive, progress, reading)
    if survey.left_out.others and not order.skip_damaged:
        raise survey.left_out.refusal()
    try:
        layout = understand(survey.folders)
    except RefusedError:
        if survey.left_out and not order.skip_damaged:
            raise survey.left_out.refusal() from None  # the likelier reason
        raise
    side = order.size or survey.natural_size()
    channels = 1 if survey.grey else 3
    total = sum(survey.folders.counts.values())
    if total * channels * side * side > MOST_PACKED:
        raise RefusedError(
            ArchiveFaults.too_large_packed(total=total, side=side, size=MOST_PACKED // 10**9), Remedies.smaller_size()
        )
    survey.tell_of_size(order.size, side)
    room = Room(order.out.parent, order.keep)
    room.plan(total * channels * side * side)
    packer = _Packer(order, layout, survey, (channels, side, side), room)
    with packer:
        packer.pack(archive, progress, reading)
    progress("checksum", total, total)
    return packer.facts()


class _Survey:
    """The first pass, over headers: number, sizes and colours of the pictures, before any is decoded."""

    def __init__(self, archive: Archive, progress: Progress, reading: Reading) -> None:
        self.folders = Folders()
        self.left_out = LeftOut()
        self.notes = Notes()
        self.grey = True
        self.sizes: set[tuple[int, int]] = set()
        self.smallest = 1 << 30
        self.chosen = bytearray()  # for each member of the archive: 1 if it is a picture to pack
        for number, member in enumerate(archive.members()):
            reading(member.name)
            self.chosen.append(self._look_at(member))
            progress("look", number + 1, None)
            if len(self.folders.seen) > MOST_FOLDERS:
                raise RefusedError(
                    FolderFaults.too_many_folders(count=MOST_FOLDERS), Remedies.fewer_classes(most=MOST_CLASSES)
                )
        if archive.code_page is not None:
            self.notes.say(PictureNotes.names_guessed(code_page=CODE_PAGES[archive.code_page]))

    def _look_at(self, member: Member) -> bool:
        """Return whether a member is a picture to pack."""
        if member.is_folder:
            self.folders.seen.add(member.parts)
            return False
        folder, kind = member.parts[:-1], kind_of(member.parts[-1])
        content = None
        if kind is Kind.UNNAMED:
            content = member.read() if member.size <= MOST_MEMBER else b""
            kind = Kind.PICTURE if begins_as_picture(content[:HEAD]) else Kind.OTHER
        if kind is Kind.OTHER:
            self.folders.add_other(folder)
            self.notes.ignored(member.name)
            return False
        self.folders.expect(folder)
        if kind is not Kind.PICTURE:
            self.left_out.add_other(member.name, kind)
            return False
        try:
            facts = look(member.read() if content is None else content)
        except DamagedError as error:
            self.left_out.add_damaged(member.name, error.message)
            return False
        self.folders.add(folder)
        self.grey = self.grey and facts.grey
        self.smallest = min(self.smallest, *facts.size)
        if len(self.sizes) < 2:
            self.sizes.add(facts.size)
        return True

    def natural_size(self) -> int:
        """Return the side of all pictures if they are squares of one size that may be kept, or else the usual one."""
        if len(self.sizes) == 1:
            ((width, height),) = self.sizes
            if width == height and SMALLEST <= width <= LARGEST:
                return width
        return DEFAULT_SIZE

    def tell_of_size(self, asked: int | None, side: int) -> None:
        """Add notes about scaling."""
        if self.sizes == {(side, side)}:
            return
        self.notes.say(PictureNotes.scaled_as_asked(side=side) if asked else PictureNotes.scaled(side=side))
        if self.smallest < side:
            self.notes.say(PictureNotes.enlarged(side=side))


class _Packer:
    """The second pass, over pixels. The first part goes into the packed file, other parts into files of their own."""

    def __init__(self, order: Order, layout: Layout, survey: _Survey, shape: tuple[int, int, int], room: Room) -> None:
        self._order = order
        self._room = room
        self._layout = layout
        self._survey = survey
        self._shape = shape
        self._left_out = survey.left_out
        self._notes = survey.notes
        self._total = sum(survey.folders.counts.values())
        self._preview = Preview(shape[2], self._total)
        self._of_class: Counter[tuple[str, int | None]] = Counter()
        self._stack = ExitStack()
        self._writer = self._stack.enter_context(PackedWriter(order.out, shape, layout.classes))
        self._waiting: dict[str, tuple[BinaryIO, list[int | None]]] = {}
        self._first = next(
            part for part in PARTS if any(destination.part == part for destination in layout.destinations.values())
        )

    def __enter__(self) -> _Packer:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def pack(self, archive: Archive, progress: Progress, reading: Reading) -> None:
        """Decode everything and finish the file.

        Raises:
            RefusedError: pictures are damaged, or too few are whole.
        """
        members = (one for chosen, one in zip(self._survey.chosen, archive.members()) if chosen)
        for number, member in enumerate(members):
            reading(member.name)
            try:
                self._take(member.read(), self._layout.destinations[member.parts[:-1]])
            except DamagedError as error:
                self._left_out.add_damaged(member.name, error.message)
            progress("pack", number + 1, self._total)
        self._judge()
        for part in [part for part in PARTS if part in self._waiting]:
            self._append(part)
        self._writer.finish(layout=self._layout.kind, source="uploaded")
        self._preview.save(self._order.preview)

    def _take(self, content: bytes, destination: Destination) -> None:
        pixels = decode(content, self._shape[2], grey=self._shape[0] == 1)
        self._notes.count(pixels.done)
        planes = pixels.planes()
        self._room.grow(len(planes))
        part = destination.part
        self._of_class[part, destination.label] += 1
        if destination.hold_out and self._of_class[part, destination.label] % HELD_OUT == 0:
            part = "test"
        if part == self._first:
            self._writer.add(part, planes, destination.label)
        else:
            file, labels = self._wait(part)
            file.write(planes)
            labels.append(destination.label)
        self._preview.offer(pixels.image)

    def _wait(self, part: str) -> tuple[BinaryIO, list[int | None]]:
        if part not in self._waiting:
            path = self._order.out.with_name(f"{self._order.out.name}.{part}")
            file = self._stack.enter_context(path.open("w+b"))
            # Without a name, the file is deleted when the process ends, however it ends.
            path.unlink()
            self._waiting[part] = (file, [])
        return self._waiting[part]

    def _append(self, part: str) -> None:
        file, labels = self._waiting[part]
        file.seek(0)
        size = self._shape[0] * self._shape[1] * self._shape[2]
        for label in labels:
            self._room.grow(size)
            self._writer.add(part, file.read(size), label)

    def _judge(self) -> None:
        left_out = self._left_out
        if left_out and not self._order.skip_damaged:
            raise left_out.refusal()
        whole = sum(self._of_class.values())
        if whole < FEWEST_IMAGES:
            raise RefusedError(
                FolderFaults.few_are_whole(whole=whole),
                Remedies.at_least_whole(fewest=FEWEST_IMAGES),
                left_out.problems,
            )
        for destination in self._layout.destinations.values():
            if self._of_class[destination.part, destination.label] < FEWEST_IN_A_CLASS:
                name = destination.part if destination.label is None else self._layout.classes[destination.label]
                remedy = Remedies.at_least_in_every(fewest=FEWEST_IN_A_CLASS)
                raise RefusedError(FolderFaults.few_of_class_are_whole(name=name), remedy, left_out.problems)
        for note in left_out.notes():
            self._notes.say(note)
        if self._layout.tests:
            folders = [f"{printable(folder)}/" for folder in self._layout.tests]
            self._notes.say(PictureNotes.tests_joined(folders=folders))
        if any(destination.hold_out for destination in self._layout.destinations.values()):
            self._notes.say(PictureNotes.held_out(nth=HELD_OUT))

    def facts(self) -> dict[str, Any]:
        """Return the facts of the new data set."""
        digest = hashlib.sha256()
        with self._order.out.open("rb") as file:
            for piece in iter(lambda: file.read(1 << 20), b""):
                digest.update(piece)
        return {
            "layout": self._layout.kind,
            "shape": list(self._shape),
            "classes": list(self._layout.classes),
            "class_counts": self._class_counts(),
            "parts": self._writer.counts,
            "images": sum(self._writer.counts.values()),
            "bytes": self._order.out.stat().st_size,
            "sha256": digest.hexdigest(),
            "notes": [note.as_json() for note in self._notes.sentences()],
        }

    def _class_counts(self) -> list[int] | None:
        """Return how many pictures each class has, held out or not; None without classes."""
        counted: Counter[int | None] = Counter()
        for (_, label), count in self._of_class.items():
            counted[label] += count
        return [counted[label] for label in range(len(self._layout.classes))] or None
