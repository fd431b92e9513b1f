r"""Reads the text of a search: words, and terms such as `params.batch_size>=64`.

    query = item*
    item  = ["-"] (word | field op value ("," value)*)
    op    = ":" | "=" | ">" | ">=" | "<" | "<="

Spaces separate items. Quotation marks make a part of an item literal, in which `\"` and `\\` stand for `"` and `\`. An
item that begins with a name and an operator is a term, any other one is a word. Positions count characters from 1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from models.limits import MAX_QUERY, MAX_QUERY_ITEMS
from models.messages import Message, QueryFaults
from stores.infra.errors import StoreError

NAME = r"[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*"
_TERM = re.compile(rf"({NAME})(>=|<=|[:=<>])")
# Stands in the plain form of an item for each literal character, which has no meaning of its own.
_LITERAL = "\0"


class QueryError(StoreError):
    """A search that cannot be read. `at` is the position of the fault in its text, from 1."""

    def __init__(self, message: Message, at: int) -> None:
        super().__init__(message)
        self.at = at


@dataclass(frozen=True)
class Value:
    """A value of a term, and where it stands."""

    text: str
    at: int


@dataclass(frozen=True)
class Word:
    """A text to look for."""

    text: str
    negated: bool
    at: int


@dataclass(frozen=True)
class Term:
    """A field with an operator (`=` for both `:` and `=`) and its values, of which any may fit."""

    field: str
    operator: str
    values: tuple[Value, ...]
    negated: bool
    at: int


Item = Word | Term


def read(query: str) -> tuple[Item, ...]:
    """Return the items of a search. What fields there are is not looked at here.

    Raises:
        QueryError
    """
    if len(query) > MAX_QUERY:
        raise QueryError(QueryFaults.query_too_long(limit=MAX_QUERY), MAX_QUERY + 1)
    items: list[Item] = []
    place = 0
    while place < len(query):
        if query[place].isspace():
            place += 1
            continue
        piece, end = _piece(query, place)
        if len(items) == MAX_QUERY_ITEMS:
            raise QueryError(QueryFaults.query_too_many_terms(limit=MAX_QUERY_ITEMS, at=place + 1), place + 1)
        items.append(_item(piece, place + 1))
        place = end
    return tuple(items)


@dataclass(frozen=True)
class _Piece:
    """The characters of an item, each with its position, and whether it was quoted."""

    text: str
    plain: str  # the same, with _LITERAL for what was quoted
    places: tuple[int, ...]

    def part(self, begin: int, end: int | None = None) -> _Piece:
        return _Piece(self.text[begin:end], self.plain[begin:end], self.places[begin:end])


def _piece(query: str, begin: int) -> tuple[_Piece, int]:
    """Return the item that begins here, and where it ends."""
    text, plain, places = [], [], []
    opened: int | None = None
    place = begin
    while place < len(query) and (opened is not None or not query[place].isspace()):
        char = query[place]
        if char == '"':
            opened = place if opened is None else None
        else:
            if opened is not None and char == "\\" and query[place + 1 : place + 2] in {'"', "\\"}:
                place += 1
                char = query[place]
            text.append(char)
            plain.append(char if opened is None else _LITERAL)
            places.append(place + 1)
        place += 1
    if opened is not None:
        raise QueryError(QueryFaults.query_quote_open(at=opened + 1), opened + 1)
    # One position more, for what is missing at the end.
    return _Piece("".join(text), "".join(plain), (*places, place + 1)), place


def _item(piece: _Piece, at: int) -> Item:
    negated = piece.plain.startswith("-")
    if negated:
        piece = piece.part(1)
    if not piece.text:
        text = QueryFaults.query_nothing_negated(at=at) if negated else QueryFaults.query_empty_quotes(at=at)
        raise QueryError(text, at)
    found = _TERM.match(piece.plain)
    if found is None:
        return Word(piece.text, negated, at)
    operator = "=" if found[2] == ":" else found[2]
    return Term(found[1], operator, _values(piece.part(found.end())), negated, piece.places[0])


def _values(piece: _Piece) -> tuple[Value, ...]:
    """Return the values, separated by commas that were not quoted; an empty one where nothing stands."""
    values: list[Value] = []
    begin = 0
    for end, char in enumerate([*piece.plain, ","]):
        if char == ",":
            values.append(Value(piece.text[begin:end], piece.places[begin]))
            begin = end + 1
    return tuple(values)
