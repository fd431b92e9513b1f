"""`ganforge up`: the whole service on this machine, until Ctrl-C."""

from __future__ import annotations

import os
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganforge.cli.output import FAILED, complain, say
from ganforge.errors import StackError, StoppedError
from ganforge.stack.settings import DEFAULT_HOME, DEFAULT_PORT, StackSettings
from ganforge.stack.signals import Signals

if TYPE_CHECKING:
    from ganforge.stack.stack import Stack


EPILOG = (
    f"Other commands find the service by its folder: if that is not {DEFAULT_HOME} here, set GANFORGE_HOME for them. "
    "All other settings are environment variables, such as for quotas, mail and how long files are kept: "
    "docs/09-local-stack.md lists them."
)


def up(
    home: Annotated[
        str | None,
        typer.Option(
            envvar="GANFORGE_HOME",
            metavar="FOLDER",
            help=f"Folder for database, files, logs and the admin key. Default: {DEFAULT_HOME} here.",
        ),
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(
            envvar="GANFORGE_HOST",
            metavar="ADDRESS",
            help="Address to listen on. Default: 127.0.0.1, for this machine alone.",
        ),
    ] = None,
    port: Annotated[
        str | None,
        typer.Option(
            envvar="GANFORGE_PORT",
            metavar="PORT",
            help=f"Port to listen on. Default: the first free one from {DEFAULT_PORT} on.",
        ),
    ] = None,
    queues: Annotated[
        str | None,
        typer.Option(
            envvar="GANFORGE_QUEUES",
            metavar="NAMES",
            help="Queues to run workers for, such as gpu,cpu. Default: a worker for each GPU, or one for the CPU.",
        ),
    ] = None,
    data_roots: Annotated[
        str | None,
        typer.Option(
            envvar="GANFORGE_DATA_ROOTS",
            metavar="FOLDERS",
            help="Folders with data sets to offer, separated by colons. Default: none.",
        ),
    ] = None,
) -> None:
    """Start the whole service on this machine, in the foreground. Ctrl-C stops it; the data stays."""
    given = {"HOME": home, "HOST": host, "PORT": port, "QUEUES": queues, "DATA_ROOTS": data_roots}
    chosen = {f"GANFORGE_{name}": value for name, value in given.items() if value is not None}
    with Signals().installed() as signals:
        try:
            _run(StackSettings.read({**os.environ, **chosen}), signals)
        except StoppedError:
            say("Stopped.")
        except StackError as error:
            complain(str(error))
            raise typer.Exit(FAILED) from None


def _run(settings: StackSettings, signals: Signals) -> None:
    # Imported here: the clients of database and broker would make every other command start 0.2 s later.
    from ganforge.stack.stack import Stack  # noqa: PLC0415

    start = time.monotonic()
    stack = Stack(settings, signals, say)
    say(f"Starting ganforge in {stack.home.path}")
    stack.start()
    try:
        _announce(stack, time.monotonic() - start)
        stack.watch()
        say("Stopping: workers write checkpoints and return their jobs (Ctrl-C again to hurry)")
    finally:
        stack.stop()
    say("Stopped. The data stays; `make up` starts the service with it again.")


def _announce(stack: Stack, seconds: float) -> None:
    elsewhere = stack.settings.home != Path(DEFAULT_HOME)
    found_by = f"export GANFORGE_HOME={shlex.quote(str(stack.home.path))}\n  " if elsewhere else ""
    say(
        f"""
ganforge runs, after {seconds:.1f} s.

  dashboard   {stack.url}/dashboard   (sign in with the admin key)
  API         {stack.url}   (documentation: {stack.url}/docs)
  admin key   {stack.home.admin_key_file}
  logs        {stack.home.logs}
  workers     {", ".join(seat.name for seat in stack.seats)}

Try, in another terminal:

  {found_by}ganforge train compact --dataset mnist-10k --set epochs=5
  curl -H "Authorization: Bearer $(cat {stack.home.admin_key_file})" {stack.url}/v1/jobs

Ctrl-C stops everything."""
    )
