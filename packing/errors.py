"""Why an upload is no data set, in words for the person who sent it."""

from __future__ import annotations


class RefusedError(Exception):
    """The upload is refused.

    Attributes:
        summary: what is wrong with it, in one sentence.
        remedy: what to change.
        problems: the files at fault, each ``{"file", "problem"}``; perhaps none.
    """

    def __init__(self, summary: str, remedy: str, problems: list[dict[str, str]] | None = None) -> None:
        super().__init__(f"{summary}: {remedy}")
        self.summary = summary
        self.remedy = remedy
        self.problems = problems or []


class DamagedError(Exception):
    """One picture cannot be read; the message says why."""


def refuse_file(name: str, problem: str, remedy: str) -> RefusedError:
    """Return the refusal of an archive for one of its members."""
    return RefusedError(f"{printable(name)} {problem}", remedy, [{"file": printable(name), "problem": problem}])


def printable(name: str) -> str:
    """Return a name from an archive as it may be printed, logged and stored: its characters are anybody's."""
    readable = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    clean = "".join(char if char.isprintable() else "\ufffd" for char in readable)
    return clean if len(clean) <= 200 else f"{clean[:100]}…{clean[-99:]}"
