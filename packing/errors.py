"""Errors of an upload, with messages for the person who sent it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any

from models.messages import Message, MessageError, Words

JOINERS = "\u200c\u200d"


@dataclass(frozen=True)
class FileProblem:
    """A file at fault and what is wrong with it."""

    file: str
    problem: Message

    def as_json(self) -> dict[str, Any]:
        """Return it as it is sent to the process that asked."""
        return {"file": self.file, "problem": self.problem.as_json()}


class RefusedError(Exception):
    """The upload is refused.

    Attributes:
        summary: what is wrong with it, in one sentence.
        remedy: what to change.
        problems: the files at fault; perhaps none.
    """

    def __init__(self, summary: Message, remedy: Message, problems: list[FileProblem] | None = None) -> None:
        super().__init__(f"{summary}: {remedy}")
        self.summary = summary
        self.remedy = remedy
        self.problems = problems or []


class DamagedError(MessageError):
    """One picture cannot be read; the message says why."""


def refuse_file(name: str, problem: Message, remedy: Message) -> RefusedError:
    """Return the refusal of an archive for one of its members."""
    file = printable(name)
    return RefusedError(Words.subject_and(subject=file, what=problem), remedy, [FileProblem(file, problem)])


def printable(name: str) -> str:
    """Return a name from an archive in a form that is safe to print, log and store: it may hold any characters."""
    readable = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    clean = "".join(char if is_readable(char) else "\ufffd" for char in readable)
    return clean if len(clean) <= 200 else f"{clean[:100]}…{clean[-99:]}"


def is_readable(char: str) -> bool:
    """Return whether a character may stand in a name: it can be seen, or is a space, or joins those beside it.

    Persian and Hindi words and emoji need joiners. Control characters and those that turn the order of text are not.
    """
    return char.isprintable() or char in JOINERS or unicodedata.category(char) == "Zs"
