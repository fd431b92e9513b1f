"""Markdown, as far as the checks need it: headings, links, and code, each with its line number."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

_FENCE = re.compile(r"^\s*(```|~~~)")
_HEADING = re.compile(r"^#{1,6} +(.*?) *#*$")
_LINK = re.compile(r"!?\[(?:[^\]\\]|\\.)*\]\(\s*<?([^\s)>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_SPAN = re.compile(r"(`+)(.+?)\1(?!`)", re.DOTALL)


@dataclass(frozen=True)
class Found:
    """A piece of a document."""

    line: int
    text: str


@dataclass(frozen=True)
class Document:
    """What the checks look at in one document."""

    anchors: frozenset[str]
    links: tuple[Found, ...]
    spans: tuple[Found, ...]  # text between backticks
    code: tuple[Found, ...]  # lines of code blocks

    @classmethod
    def parse(cls, text: str) -> Document:
        """Take a document apart."""
        prose, code = _split(text)
        headings = [match[1] for line in prose.splitlines() if (match := _HEADING.match(line))]
        spans = list(_found(_SPAN, prose, 2))
        # A link in backticks is an example of a link.
        without_spans = _SPAN.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), prose)
        links = list(_found(_LINK, without_spans, 1))
        return cls(frozenset(_anchors(headings)), tuple(links), tuple(spans), tuple(code))


def _split(text: str) -> tuple[str, list[Found]]:
    """Return the prose, with empty lines in the place of code blocks, and the lines of the code blocks."""
    prose: list[str] = []
    code: list[Found] = []
    fenced = False
    after_blank = True
    for number, line in enumerate(text.splitlines(), 1):
        fence = bool(_FENCE.match(line))
        # Four spaces after an empty line, or after such a line, make a code block, unless they continue a list.
        indented = line.startswith("    ") and after_blank and not line.lstrip().startswith(("- ", "* "))
        if fence or fenced or indented:
            code.append(Found(number, line))
            prose.append("")
        else:
            prose.append(line)
        if fence:
            fenced = not fenced
        after_blank = not line.strip() or (indented and not fence)
    return "\n".join(prose), code


def _found(pattern: re.Pattern[str], text: str, group: int) -> Iterator[Found]:
    for match in pattern.finditer(text):
        yield Found(text.count("\n", 0, match.start()) + 1, match[group])


def _anchors(headings: list[str]) -> Iterator[str]:
    """Yield the anchors that a forge gives to headings: a title that comes twice gets a number."""
    seen: Counter[str] = Counter()
    for heading in headings:
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        yield f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor
        seen[anchor] += 1
