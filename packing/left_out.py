"""The files of an upload that are no good: damaged pictures, and files of kinds that are not read here."""

from __future__ import annotations

from collections import Counter

from models.messages import FolderFaults, MemberFaults, Message, PictureNotes, Remedies, Words
from packing.errors import FileProblem, RefusedError, printable
from packing.limits import MAX_NAMED_FILES
from packing.names import Kind, suffix_of


class LeftOut:
    """The number of all such files, and the names of the first ones. Either they are left out, or all is refused."""

    def __init__(self) -> None:
        self.damaged = 0
        self.others: Counter[str] = Counter()  # files of other kinds, by suffix
        self.problems: list[FileProblem] = []  # of both, the first ones
        self._archives = 0
        self._names_of_damaged: list[str] = []
        self._names_of_others: list[str] = []

    def __bool__(self) -> bool:
        return bool(self.damaged or self.others)

    def add_damaged(self, name: str, problem: Message) -> None:
        """Add a damaged picture."""
        self.damaged += 1
        self._name(self._names_of_damaged, name, problem)

    def add_other(self, name: str, kind: Kind) -> None:
        """Add a picture of another kind, or an archive."""
        suffix = suffix_of(name)
        self.others[suffix] += 1
        problem = MemberFaults.other_picture(suffix=suffix)
        if kind is Kind.ARCHIVE:
            self._archives += 1
            problem = MemberFaults.archive_inside()
        self._name(self._names_of_others, name, problem)

    def _name(self, names: list[str], name: str, problem: Message) -> None:
        if len(names) < MAX_NAMED_FILES:
            names.append(printable(name))
        if len(self.problems) < MAX_NAMED_FILES:
            self.problems.append(FileProblem(printable(name), problem))

    def refusal(self) -> RefusedError:
        """Return the refusal of an upload for them."""
        summaries: list[Message] = []
        remedies: list[Message] = []
        if self.damaged:
            summaries.append(FolderFaults.damaged_pictures(count=self.damaged))
            remedies.append(Remedies.mend_it() if self.damaged == 1 else Remedies.mend_them())
        others = sum(self.others.values())
        if others:
            summaries.append(FolderFaults.other_kinds(count=others, kinds=self._kinds()))
        if others > self._archives:
            remedies.append(Remedies.convert())
        if self._archives:
            remedies.append(Remedies.unpack_first())
        return RefusedError(_joined(summaries), _joined(remedies), self.problems)

    def notes(self) -> list[Message]:
        """Return what to tell when they were left out."""
        notes: list[Message] = []
        if self.damaged:
            text = PictureNotes.left_out_among if self.damaged > len(self._names_of_damaged) else PictureNotes.left_out
            notes.append(text(damaged=self.damaged, names=self._names_of_damaged))
        others = sum(self.others.values())
        if others:
            among = others > len(self._names_of_others)
            other_text = PictureNotes.other_kinds_among if among else PictureNotes.other_kinds_left_out
            notes.append(other_text(count=others, kinds=self._kinds(), names=self._names_of_others))
        return notes

    def _kinds(self) -> list[str]:
        return [f"{count:,} {suffix}" for suffix, count in sorted(self.others.items())]


def _joined(messages: list[Message]) -> Message:
    joined = messages[0]
    for message in messages[1:]:
        joined = Words.both(first=joined, second=message)
    return joined
