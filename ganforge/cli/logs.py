"""`ganforge logs`: what the trainers of a job wrote."""

from __future__ import annotations

import sys
from typing import Annotated

import httpx
import typer

from ganforge.cli.ids import JobId, resolve_id
from ganforge.cli.output import INTERRUPTED, AsJson, complain, print_items, print_json, visible
from ganforge.client import Client
from ganforge.errors import GanforgeError

MOST_LINES = 10_000


def logs(
    job_id: JobId,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Follow new lines until the job ends.")] = False,
    tail: Annotated[
        int | None, typer.Option("--tail", "-n", min=1, max=MOST_LINES, help="Print the last lines only.")
    ] = None,
    search: Annotated[str | None, typer.Option(help="Print lines that contain this text, in any case.")] = None,
    attempt: Annotated[int | None, typer.Option(min=1, help="Print this attempt only.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print a job's log: everything that its trainers wrote. With --json and no --tail, the last 200 lines."""
    if follow and search is not None:
        raise typer.BadParameter("--follow and --search exclude each other; search in a pipe, such as `| grep loss`")
    with Client() as client:
        job = resolve_id(client, job_id)
        if as_json and not follow:
            found = client.log_lines(job, tail=tail, search=search, attempt=attempt)
            print_items(found["lines"], more=found["more"])
            return
        if not follow:
            _print(client, job, tail, search, attempt)
            return
        try:
            _follow(client, job, tail, attempt, as_json=as_json)
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None


def _print(client: Client, job: str, tail: int | None, search: str | None, attempt: int | None) -> None:
    empty = True
    try:
        for text in client.log(job, tail=tail, search=search, attempt=attempt):
            empty = empty and not text
            sys.stdout.write(_shown(text))
    except httpx.RequestError as error:
        raise GanforgeError(f"the log broke off: {error or type(error).__name__}") from error
    if empty and search is None:
        complain(f"{job} has no log{'' if attempt is None else f' of attempt {attempt}'} yet")


def _follow(client: Client, job: str, tail: int | None, attempt: int | None, *, as_json: bool) -> None:
    before = None
    for told in client.follow_log(job, tail=tail, attempt=attempt, on_break=_tell):
        if as_json:
            print_json(told)
            continue
        if before not in {None, told["attempt"]}:
            sys.stdout.write(f"… attempt {told['attempt']} …\n")
        if told["left_out"]:
            sys.stdout.write(f"… {told['left_out']} lines left out …\n")
        sys.stdout.write("".join(f"{_shown(line)}\n" for line in told["lines"]))
        sys.stdout.flush()
        before = told["attempt"]


def _shown(text: str) -> str:
    """Return a text as it is, but on a terminal, which it must not control."""
    return visible(text) if sys.stdout.isatty() else text


def _tell(why: str) -> None:
    complain(f"connection lost ({why}), trying again")
