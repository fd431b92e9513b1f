"""Output and exit codes shared by all commands."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from models.formats import duration

if TYPE_CHECKING:  # importing pydantic would make every command start later
    from models.views import Job

# Exit codes, for scripts. 2 is a usage error, as everywhere.
OK, FAILED, CANCELED, NO_SERVICE, INTERRUPTED = 0, 1, 3, 4, 130
RESULT = {"succeeded": OK, "failed": FAILED, "canceled": CANCELED}

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def console() -> Console:
    """Return a console for the current standard output, so that redirection is noticed."""
    return Console(highlight=False, soft_wrap=not sys.stdout.isatty())


def say(text: str) -> None:
    """Print a line on standard output."""
    console().print(text, markup=False)


def complain(text: str) -> None:
    """Print a line on standard error."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(f"ganforge: {text}", markup=False)


def usage(text: str) -> NoReturn:
    """End with a usage error."""
    complain(text)
    raise typer.Exit(2)


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2 if isinstance(value, list) else None) + "\n")


def print_table(columns: Iterable[str], rows: Iterable[Iterable[Any]], empty: str) -> None:
    """Print a table, or the text `empty` if it has no rows."""
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    if not cells:
        say(empty)
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        # The first column is a name to copy, so it is never truncated.
        whole = max(len(row[0]) for row in cells) if number == 0 else None
        table.add_column(column, min_width=whole, no_wrap=number == 0)
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    # A file or a pipe has no width.
    target = console()
    if not target.is_terminal:
        target = Console(highlight=False, width=200)
    target.print(table)


def finish(job: Job) -> NoReturn:
    """Exit with the code of the job's result."""
    if job["state"] == "failed" and job["error"]:
        complain(f"{job['id']} failed: {job['error']['detail']} [{job['error']['code']}]")
    raise typer.Exit(RESULT[job["state"]])


def ago(moment: str | None) -> str:
    """Return how long ago an RFC 3339 time was."""
    if moment is None:
        return ""
    return f"{duration((datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds())} ago"
