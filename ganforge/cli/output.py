"""Output and exit codes shared by all commands."""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TextIO

import typer
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ganforge.errors import OutputError
from models.formats import duration
from models.states import NO_LIVE_WORKER, ErrorCode

if TYPE_CHECKING:  # importing pydantic would make every command start later
    from models.views import Job

# Exit codes, for scripts. 2 is a usage error, as everywhere.
OK, FAILED, USAGE, CANCELED, OTHER_ERROR, INTERRUPTED = 0, 1, 2, 3, 4, 130
RESULT = {"succeeded": OK, "failed": FAILED, "canceled": CANCELED}

# Nobody reads more rows, and `islice` refuses numbers beyond sys.maxsize.
MAX_ROWS = 1_000_000
# Columns of a table that are narrower than this are hard to read.
MIN_COLUMN_WIDTH = 8
# An id, as models.ids makes them; importing that would make every command start later.
_ID = re.compile("[a-z]+_[0-9a-f-]{36}")

# What the codes of reasons mean to a reader.
_REASONS: dict[str, str] = {NO_LIVE_WORKER: "no worker serves this queue", ErrorCode.worker_lost: "the worker was lost"}

AsJson = Annotated[bool, typer.Option("--json", help='Print JSON; a list is {"items": [...]}.')]


class OutputConsole(Console):
    """Raises OutputError on a closed pipe. Rich would exit with 1, the code of a failed job."""

    def on_broken_pipe(self) -> None:
        """See `Console.on_broken_pipe`."""
        raise OutputError("the reader of the output is gone")


# What changes a terminal, or the order in which it shows text: control characters and bidirectional overrides.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    """Replace control characters, so that other people's job names cannot control the terminal."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)


def reason_words(reason: str | None) -> str | None:
    """Return why a job is in its state: the reason, or the meaning of its code."""
    return _REASONS.get(reason, reason) if reason else None


def done_words(fraction: float | None) -> str | None:
    """Return a progress as pages show it, rounded down: 100% is the end."""
    return None if fraction is None else f"{int(100 * fraction)}%"


def on_terminal() -> bool:
    """Return whether standard output is a terminal that understands control codes."""
    return sys.stdout.isatty() and os.environ.get("TERM", "").lower() not in {"dumb", "unknown"}


def console() -> Console:
    """Return a console for the current standard output, so that redirection is noticed."""
    return OutputConsole(highlight=False, soft_wrap=not sys.stdout.isatty())


def say(text: str) -> None:
    """Print a line on standard output. A terminal breaks long lines itself, so that nothing is cut."""
    console().print(visible(text), markup=False, soft_wrap=True)


def complain(text: str) -> None:
    """Print a line on standard error."""
    try:
        OutputConsole(stderr=True, highlight=False, soft_wrap=True).print(f"ganforge: {visible(text)}", markup=False)
    except (OSError, OutputError):
        drop(sys.stderr)  # nobody reads it


def prepare() -> None:
    """Let standard output take any character, whatever the locale's encoding.

    Raises:
        OutputError: it is closed.
    """
    if sys.stdout is None:
        raise OutputError("standard output is closed; redirect it to /dev/null to discard it")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def drop(stream: TextIO) -> None:
    """Send what is left of a stream nowhere: Python would complain again when it ends."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def usage(text: str) -> NoReturn:
    """End with a usage error."""
    complain(text)
    raise typer.Exit(USAGE)


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    listed = isinstance(value, dict) and "items" in value
    text = json.dumps(value, ensure_ascii=not unicode, indent=2 if listed else None)
    # JSON escapes a part of them itself; in what is left of a text, an escape means the same.
    sys.stdout.write(_CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")
    sys.stdout.flush()


def print_items(items: Iterable[Any], **more: Any) -> None:
    """Print a list as JSON: an object with `items`, and what else is told about them."""
    print_json({"items": list(items), **more})


def tell(as_json: bool, thing: Any, text: str) -> None:
    """Print a thing as JSON if that is asked for, else a line about it."""
    print_json(thing) if as_json else say(text)


def as_typed(value: Any) -> str:
    """Return a value as one types it: `true`, `0.5`, text without quotation marks, `team=a` for labels."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return " ".join(f"{name}={as_typed(inner)}" for name, inner in value.items())
    return json.dumps(value, ensure_ascii=False)


def print_table(columns: Iterable[str], rows: Iterable[Iterable[Any]], empty: str) -> None:
    """Print a table, or the text `empty` if it has no rows. A terminal too narrow for a table gets a list.

    Columns without content are left out. The first one and ids are copied into other commands, so they are never cut
    or broken.
    """
    names = list(columns)
    cells = [["" if cell is None else visible(str(cell)) for cell in row] for row in rows]
    if not cells:
        say(empty)
        return
    filled = [number for number in range(len(names)) if any(row[number] for row in cells)]
    names, cells = [names[number] for number in filled], [[row[number] for number in filled] for row in cells]
    widths = [max(map(cell_len, (name, *column))) for name, *column in zip(names, *cells, strict=True)]
    kept = [number == 0 or any(_ID.fullmatch(row[number]) for row in cells) for number in range(len(names))]
    least = sum(width if whole else min(width, MIN_COLUMN_WIDTH) for width, whole in zip(widths, kept, strict=True))
    target = console()
    if target.is_terminal and least + 2 * len(names) > target.width:
        _print_list(names, cells)
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name, width, whole in zip(names, widths, kept, strict=True):
        table.add_column(name, min_width=width if whole else None, no_wrap=whole)
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    # A file or a pipe has no width.
    if not target.is_terminal:
        target = OutputConsole(highlight=False, width=max(200, least + 2 * len(names)))
    target.print(table)


def _print_list(names: list[str], cells: list[list[str]]) -> None:
    for first, *others in cells:
        say(first)
        for name, cell in zip(names[1:], others, strict=True):
            if cell:
                say(f"  {name}: {cell}" if name else f"  {cell}")


def finish(job: Job) -> NoReturn:
    """Exit with the code of the job's result."""
    if job["state"] == "failed" and job["error"]:
        complain(f"{job['id']} failed: {job['error']['detail']} [{job['error']['code']}]")
    raise typer.Exit(RESULT[job["state"]])


def ago(moment: str | None) -> str:
    """Return how long ago an RFC 3339 time was, or in how long it will be."""
    if moment is None:
        return ""
    seconds = (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()
    return f"{duration(seconds)} ago" if seconds >= 0 else f"in {duration(-seconds)}"
