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


@dataclass(frozen=True)
class Template:
    """A text with parts to fill in, and what it is in the other language."""

    own: str  # its longest stretch between two parts: what does not hold this is not of this template
    pattern: re.Pattern[str]
    said: str
    few: bool  # it has hardly any letters of its own


@dataclass(frozen=True)
class Templates:
    """All that can be told in a language: texts as they stand, and those with parts, the most particular first."""

    texts: dict[str, str]
    filled: list[Template]


def told(text: str, language: str) -> str:
    """Return a text of the service in a language; what is not known stays English."""
    if language == "en":
        return text
    return "\n".join(_said(line, language) or line for line in text.split("\n"))


@functools.lru_cache(4096)
def _said(text: str, language: str) -> str | None:
    """Return what a text is in a language, when it was made by one of ours."""
    if len(text) > LONGEST:
        return None
    return _known(text, language) or _pair(text, language) or _known(text, language, loose=True) or _of(text, language)


def _pair(text: str, language: str) -> str | None:
    """Return what two texts are that stand side by side: what is wrong, and what to do."""
    for place in _places("; ", text):
        one, other = _said(text[:place], language), _said(text[place + 2 :], language)
        if one and other:
            return f"{one}\N{FULLWIDTH SEMICOLON}{other}"
    return None


def _of(text: str, language: str) -> str | None:
    """Return what a text is behind the name of what it is about: a file and a colon, or one word."""
    for place in _places(": ", text):
        if other := _said(text[place + 2 :], language):
            return f"{_said(text[:place], language) or text[:place]}\N{FULLWIDTH COLON}{other}"
    subject, _, rest = text.partition(" ")
    said = _known(rest, language)
    return f"{subject} {said}" if said else None


def _places(mark: str, text: str) -> list[int]:
    return [found.start() for found in re.finditer(mark, text)]


def _known(text: str, language: str, *, loose: bool = False, few: bool = False) -> str | None:
    """Return what a text is by its template. `loose`: what is filled in may look like two texts; `few`: it may be one
    with hardly any letters of its own."""
    templates = _templates(language)
    if text in templates.texts:
        return templates.texts[text]
    for template in templates.filled:
        if template.own not in text or (template.few and not few) or not (found := template.pattern.fullmatch(text)):
            continue
        parts = found.groupdict()
        if loose or not any("; " in part for part in parts.values()):
            return _filled(template.said, {name: _part(part, language) for name, part in parts.items()}.__getitem__)
    return None


def _part(part: str, language: str) -> str:
    """Return what is filled in: another text, a list of words, or a name, which stays as it is."""
    texts = _templates(language).texts
    words = part.split(", ")
    if all(word in texts for word in words):
        return "、".join(texts[word] for word in words)
    return _said(part, language) or _known(part, language, few=True) or part


@functools.cache
def _templates(language: str) -> Templates:
    with (CATALOGUES / f"told.{language}.po").open("rb") as file:
        messages = {str(one.id): str(one.string) for one in read_po(file) if one.id}
    filled = [text for text in messages if "{" in text]
    ordered = sorted(filled, key=lambda text: -len(re.sub(r"{\w+}", "", text)))
    return Templates(messages, [_template(text, messages[text]) for text in ordered])


def _template(text: str, said: str) -> Template:
    pieces = re.split(r"{\w+}", text)
    few = sum(map(str.isalpha, "".join(pieces))) < FEW_LETTERS
    seen: set[str] = set()

    def group(name: str) -> str:
        if name in seen:
            return f"(?P={name})"
        seen.add(name)
        return f"(?P<{name}>{WORDS if few or name.startswith(NUMBERS) else '.*?'})"

    return Template(max(pieces, key=len), re.compile(_filled(text, group, re.escape)), said, few)


def _filled(text: str, part: Callable[[str], str], plain: Callable[[str], str] = str) -> str:
    """Return a template with its parts filled in."""
    pieces = re.split(r"{(\w+)}", text)
    return "".join(part(piece) if n % 2 else plain(piece) for n, piece in enumerate(pieces))
