"""Texts that people give to things and that others read in terminals: names, owners, labels."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from models.messages import RequestFaults

# Control characters, which steer a terminal, line breaks of any kind, and what turns the order of the text around it.
_UNPLAIN = "\\u0000-\\u001f\\u007f-\\u009f\\u2028-\\u202e\\u2066-\\u2069"
_FOUND = re.compile(f"[{_UNPLAIN}]")
_SEPARATOR = re.compile("[:=]")
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def check_plain(text: str) -> str:
    """Return a text that holds nothing but what can be seen in one line.

    Raises:
        ValueError: it holds something else, which is named.
    """
    if found := _FOUND.search(text):
        raise ValueError(RequestFaults.name_with_character(character=f"U+{ord(found[0]):04X}"))
    return text


def check_lines(text: str) -> str:
    """Return a text of several lines, without carriage returns, that holds nothing else that cannot be seen.

    Raises:
        ValueError: it holds something else, which is named.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    check_plain(text.replace("\n", "").replace("\t", ""))
    return text


def check_project(text: str) -> str:
    """Return the name of a project: something to be seen in one line.

    Raises:
        ValueError
    """
    if text != text.strip():
        raise ValueError(RequestFaults.spaces_at_ends())
    return check_plain(text)


def made_plain(text: str) -> str:
    """Return a text that was stored before `check_plain` was asked, with a mark for each character that is refused."""
    return _FOUND.sub(REPLACEMENT, text)


def check_label_name(text: str) -> str:
    """Return the name of a label. A filter is `name:text` or `name=text`, cut at the first `:` or `=`.

    Raises:
        ValueError: no filter could find it.
    """
    if found := _SEPARATOR.search(text):
        raise ValueError(RequestFaults.label_separator(separator=found[0]))
    if text != text.strip():
        raise ValueError(RequestFaults.spaces_at_ends())
    return check_plain(text)


def made_label_name(text: str) -> str:
    """Return the name of a label that was stored before `check_label_name` was asked, as one that is taken."""
    return _SEPARATOR.sub("-", made_plain(text)).strip() or REPLACEMENT


# For the type of a field, after the limits of its length: in another order the error of a long text speaks of entries.
PLAIN = AfterValidator(check_plain)
PLAIN_SCHEMA = {"pattern": f"^[^{_UNPLAIN}]*$"}
PlainText = Annotated[str, Field(json_schema_extra=PLAIN_SCHEMA), PLAIN]
LabelName = Annotated[
    str,
    Field(min_length=1, max_length=63, json_schema_extra={"pattern": f"^[^:={_UNPLAIN}]*$"}),
    AfterValidator(check_label_name),
]
