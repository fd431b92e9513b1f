"""What was done to the pictures, told in a few sentences."""

from __future__ import annotations

from collections import Counter
from typing import Iterable

from packing.errors import printable

_WORDS = {
    "palette": "with a palette were turned to plain colours",
    "transparent": "with transparency were laid over white",
    "deep": "of 16 bits a channel were reduced to 8",
    "CMYK": "in CMYK were turned to red, green and blue",
    "turned": "were turned upright as their EXIF data say",
    "animated": "are animated: their first frame was taken",
}
_NAMED = 3


class Notes:
    """Collects them."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._said: list[str] = []
        self._ignored = 0
        self._names: list[str] = []

    def count(self, done: Iterable[str]) -> None:
        """Count what was done to one picture."""
        self._counts.update(done)

    def say(self, sentence: str) -> None:
        """Add a sentence."""
        self._said.append(sentence)

    def ignored(self, name: str) -> None:
        """Remember a file that is no picture and was not meant as one."""
        self._ignored += 1
        if len(self._names) < _NAMED:
            self._names.append(printable(name))

    def sentences(self) -> list[str]:
        """Return all of it."""
        told = [
            f"{count:,} {'picture' if count == 1 else 'pictures'} "
            + _WORDS.get(kind, f"of the kind {kind} were turned to plain colours")
            for kind, count in sorted(self._counts.items())
        ]
        if self._ignored:
            more = ", …" if self._ignored > len(self._names) else ""
            told.append(f"{self._ignored:,} other files were left out: {', '.join(self._names)}{more}")
        return [*self._said, *told]
