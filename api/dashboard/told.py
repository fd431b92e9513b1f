"""What the service tells in English, in the reader's language. It was filled in, and often stored, long before anybody
reads it, so it is known again by its template (told_texts.py): `must be at least 1` was once `must be at least {ge}`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from babel.messages.pofile import read_po

CATALOGUES = Path(__file__).parent / "catalogues"
LONGEST = 2000  # what is longer was written by no one of ours
# A template with fewer letters of its own takes words with commas only: "32, 64 or 128", not "go there or wait".
FEW_LETTERS = 4
WORDS = r"\S+(?:, \S+)*"
NUMBERS = ("count", "total", "whole", "ignored")
# So often it is looked through all templates for one line. People write some of what is filled in, and could write
# what falls into parts without end; a line of ours takes a few looks.
MOST_LOOKS = 32


@dataclass(frozen=True)
class Template:
    """A text with parts to fill in, and what it is in the other language."""

    pieces: list[str]  # what stands before, between and behind its parts
    names: list[str]  # of its parts
    said: str
    few: bool  # it has hardly any letters of its own

    def parts(self, text: str) -> dict[str, str] | None:
        """Return what was filled in, each part the shortest, if a text is of this template. Time grows as the text."""
        first, last = self.pieces[0], self.pieces[-1]
        if not text.startswith(first) or not text.endswith(last):
            return None
        ends = [len(first)]
        starts = [0]
        for piece in self.pieces[1:-1]:
            start = text.find(piece, ends[-1])
            if start < 0:
                return None
            starts.append(start)
            ends.append(start + len(piece))
        starts.append(len(text) - len(last))
        found: dict[str, str] = {}
        for name, begin, end in zip(self.names, ends, starts[1:], strict=True):
            part = text[begin:end]
            if end < begin or found.setdefault(name, part) != part or not self._may_be(name, part):
                return None
        return found

    def _may_be(self, name: str, part: str) -> bool:
        return not (self.few or name.startswith(NUMBERS)) or re.fullmatch(WORDS, part) is not None


@dataclass(frozen=True)
class Templates:
    """All that can be told in a language: texts as they stand, and those with parts, the most particular first."""

    texts: dict[str, str]
    filled: list[Template]


def told(text: str, language: str) -> str:
    """Return a text of the service in a language; what is not known stays English."""
    if language == "en":
        return text
    return "\n".join(_line(line, language) or line for line in text.split("\n"))


@functools.lru_cache(4096)
def _line(text: str, language: str) -> str | None:
    """Return what a line is in a language, when it was made by one of ours."""
    if len(text) > LONGEST:
        return None
    try:
        return _Reading(_templates(language)).said(text)
    except _EndlessError:
        return None


class _EndlessError(Exception):
    """Too many looks for one line."""


class _Reading:
    """Reads one line."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates
        self._looks = 0

    def said(self, text: str) -> str | None:
        """Return what a text is, when it was made by one of ours."""
        return self._known(text) or self._pair(text) or self._known(text, loose=True) or self._of(text)

    def _pair(self, text: str) -> str | None:
        """Return what two texts are that stand side by side: what is wrong, and what to do."""
        for place in _places("; ", text):
            one, other = self.said(text[:place]), self.said(text[place + 2 :])
            if one and other:
                return f"{one}\N{FULLWIDTH SEMICOLON}{other}"
        return None

    def _of(self, text: str) -> str | None:
        """Return what a text is behind the name of what it is about: a file and a colon, or one word."""
        for place in _places(": ", text):
            if other := self.said(text[place + 2 :]):
                return f"{self.said(text[:place]) or text[:place]}\N{FULLWIDTH COLON}{other}"
        subject, _, rest = text.partition(" ")
        said = self._known(rest)
        return f"{subject} {said}" if said else None

    def _known(self, text: str, *, loose: bool = False, few: bool = False) -> str | None:
        """Return what a text is by its template. `loose`: what is filled in may look like two texts; `few`: it may be
        one with hardly any letters of its own."""
        self._looks += 1
        if self._looks > MOST_LOOKS:
            raise _EndlessError
        if text in self._templates.texts:
            return self._templates.texts[text]
        for template in self._templates.filled:
            if (template.few and not few) or (parts := template.parts(text)) is None:
                continue
            if loose or not any("; " in part for part in parts.values()):
                return _filled(template.said, {name: self._part(part) for name, part in parts.items()}.__getitem__)
        return None

    def _part(self, part: str) -> str:
        """Return what is filled in: another text, a list of words, or a name, which stays as it is."""
        texts = self._templates.texts
        words = part.split(", ")
        if all(word in texts for word in words):
            return "、".join(texts[word] for word in words)
        return self.said(part) or self._known(part, few=True) or part


def _places(mark: str, text: str) -> list[int]:
    return [found.start() for found in re.finditer(mark, text)]


@functools.cache
def _templates(language: str) -> Templates:
    with (CATALOGUES / f"told.{language}.po").open("rb") as file:
        messages = {str(one.id): str(one.string) for one in read_po(file) if one.id}
    filled = [text for text in messages if "{" in text]
    ordered = sorted(filled, key=lambda text: -len(re.sub(r"{\w+}", "", text)))
    return Templates(messages, [_template(text, messages[text]) for text in ordered])


def _template(text: str, said: str) -> Template:
    pieces = re.split(r"{(\w+)}", text)
    few = sum(map(str.isalpha, "".join(pieces[::2]))) < FEW_LETTERS
    return Template(pieces[::2], pieces[1::2], said, few)


def _filled(text: str, part: Callable[[str], str]) -> str:
    """Return a template with its parts filled in."""
    pieces = re.split(r"{(\w+)}", text)
    return "".join(part(piece) if n % 2 else piece for n, piece in enumerate(pieces))
