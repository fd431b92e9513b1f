"""Texts that people give to things and that others read in terminals: names, owners, labels."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from models.messages import RequestFaults

# Control characters, which steer a terminal, line breaks of any kind, and what turns the order of the text around it.
_UNPLAIN = "\\u0000-\\u001f\\u007f-\\u009f\\u2028-\\u202e\\u2066-\\u2069"
_FOUND = re.compile(f"[{_UNPLAIN}]")
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def check_plain(text: str) -> str:
    """Return a text that holds nothing but what can be seen in one line.

    Raises:
        ValueError: it holds something else, which is named.
    """
    if found := _FOUND.search(text):
        raise ValueError(RequestFaults.name_with_character(character=f"U+{ord(found[0]):04X}"))
    return text


def made_plain(text: str) -> str:
    """Return a text that was stored before `check_plain` was asked, with a mark for each character that is refused."""
    return _FOUND.sub(REPLACEMENT, text)


PlainText = Annotated[str, Field(json_schema_extra={"pattern": f"^[^{_UNPLAIN}]*$"}), AfterValidator(check_plain)]
