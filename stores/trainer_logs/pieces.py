"""Pieces of a log's text with the numbers of their lines. Text is UTF-8; every line ends with a line break."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple


class Place(NamedTuple):
    """A line of a job's log: the attempt, and the number of the line in it. Line 0 is the place before the first."""

    attempt: int
    line: int


BEGINNING = Place(0, 0)


class Gap(NamedTuple):
    """Lines that were left out, after the line with the number `after`."""

    after: int
    lines: int


@dataclass(frozen=True)
class Piece:
    """Whole lines of one attempt without a gap between them. `left_out`: lines that are missing before them."""

    attempt: int
    line: int  # the number of the first
    text: bytes
    left_out: int = 0

    @property
    def end(self) -> Place:
        """The place of its last line."""
        return Place(self.attempt, self.line + self.text.count(b"\n") - 1)


class Line(NamedTuple):
    """One line, without its line break. `left_out`: lines that are missing before it."""

    attempt: int
    line: int
    text: str
    left_out: int = 0


def gaps_between(stretches: Iterable[tuple[int, int]]) -> list[Gap]:
    """Return the gaps between stretches of lines: their first numbers and how many they are, in order."""
    found, next_line = [], 1
    for first, lines in stretches:
        if first > next_line:
            found.append(Gap(next_line - 1, first - next_line))
        next_line = first + lines
    return found


def numbered(blocks: Iterable[bytes], attempt: int, gaps: Sequence[Gap], after: int = 0) -> Iterator[Piece]:
    """Yield the pieces of an attempt's kept text behind the line `after`. Blocks may end inside a line."""
    line, rest = 1, b""
    told = after  # the last line that the reader knows
    waiting = list(gaps)
    for block in blocks:
        end = block.rfind(b"\n") + 1
        if not end:
            rest += block
            continue
        text, rest = rest + block[:end], block[end:]
        while text:
            if waiting and waiting[0].after < line:
                line += waiting.pop(0).lines
            here, text = _first_lines(text, waiting[0].after - line + 1) if waiting else (text, b"")
            count = here.count(b"\n")
            known = max(0, told + 1 - line)
            if known < count:
                piece = Piece(attempt, line + known, _first_lines(here, known)[1], line + known - told - 1)
                told = line + count - 1
                yield piece
            line += count


def _first_lines(text: bytes, count: int) -> tuple[bytes, bytes]:
    """Cut a text behind so many lines; all of it stands in the first part when it has no more."""
    at = 0
    for _ in range(count):
        at = text.find(b"\n", at) + 1
        if not at:
            return text, b""
    return text[:at], text[at:]


def last_lines(text: bytes, attempt: int, lines: int, gaps: Sequence[Gap]) -> Iterator[Line]:
    """Yield the lines of the end of an attempt's kept text, newest first; `lines` is the number of the last one."""
    number, waiting = lines, list(gaps)
    for line in reversed(text.split(b"\n")[:-1]):
        left_out = waiting.pop().lines if waiting and waiting[-1].after + waiting[-1].lines == number - 1 else 0
        yield Line(attempt, number, line.decode(), left_out)
        number -= 1 + left_out


def lines_of(piece: Piece) -> Iterator[Line]:
    """Yield the lines of a piece."""
    for n, line in enumerate(piece.text.split(b"\n")[:-1]):
        yield Line(piece.attempt, piece.line + n, line.decode(), 0 if n else piece.left_out)


def matches(piece: Piece, word: str) -> Iterator[Line]:
    """Yield the lines of a piece that contain a word, whatever its case."""
    if not word.isascii():
        # Capitals and small letters may have different lengths here, so each line is looked at by itself.
        low = word.lower()
        yield from (line for line in lines_of(piece) if low in line.text.lower())
        return
    text, sought = piece.text.lower(), word.lower().encode()
    line, counted = piece.line, 0
    at = text.find(sought)
    while at >= 0:
        begin, end = text.rfind(b"\n", 0, at) + 1, text.find(b"\n", at)
        line += text.count(b"\n", counted, begin)
        counted = begin
        yield Line(piece.attempt, line, piece.text[begin:end].decode())
        at = text.find(sought, end)


def with_gaps(lines: Sequence[Line]) -> list[Line]:
    """Return neighbouring lines of a log, each with the number of lines that are missing since the one before."""
    if not lines:
        return []
    following = [
        other._replace(left_out=other.line - one.line - 1 if one.attempt == other.attempt else other.line - 1)
        for one, other in pairwise(lines)
    ]
    return [lines[0], *following]
