"""Notes on how pictures were changed during an import."""

from __future__ import annotations

from collections import Counter
from typing import Iterable

from models.messages import Message, PictureNotes
from packing.errors import printable

_DONE = {
    "palette": PictureNotes.palette,
    "transparent": PictureNotes.transparent,
    "deep": PictureNotes.deep,
    "CMYK": PictureNotes.cmyk,
    "turned": PictureNotes.turned,
    "animated": PictureNotes.animated,
}
_NAMED = 3


class Notes:
    """Collects notes."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._said: list[Message] = []
        self._ignored = 0
        self._names: list[str] = []

    def count(self, done: Iterable[str]) -> None:
        """Count what was done to one picture."""
        self._counts.update(done)

    def say(self, sentence: Message) -> None:
        """Add a sentence."""
        self._said.append(sentence)

    def ignored(self, name: str) -> None:
        """Add a file that was ignored because it is no picture."""
        self._ignored += 1
        if len(self._names) < _NAMED:
            self._names.append(printable(name))

    def sentences(self) -> list[Message]:
        """Return all notes."""
        counted = [
            _DONE[kind](count=count) if kind in _DONE else PictureNotes.other_mode(count=count, kind=kind)
            for kind, count in sorted(self._counts.items())
        ]
        if self._ignored:
            text = PictureNotes.ignored_among if self._ignored > len(self._names) else PictureNotes.ignored
            counted.append(text(others=self._ignored, names=", ".join(self._names)))
        return [*self._said, *counted]
