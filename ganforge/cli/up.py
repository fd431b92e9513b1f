"""`ganforge up`: the whole service on this machine, until Ctrl-C."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import typer

from ganforge.cli.output import FAILED, complain, say
from ganforge.errors import StackError, StoppedError
from ganforge.stack.settings import DEFAULT_PORT, StackSettings
from ganforge.stack.signals import Signals

if TYPE_CHECKING:
    from ganforge.stack.stack import Stack


def up() -> None:
    """Start the whole service on this machine, in the foreground. Ctrl-C stops it; the data stays."""
    with Signals().installed() as signals:
        try:
            _run(signals)
        except StoppedError:
            say("Stopped.")
        except StackError as error:
            complain(str(error))
            raise typer.Exit(FAILED) from None


def _run(signals: Signals) -> None:
    # Imported here: the clients of database and broker would make every other command start 0.2 s later.
    from ganforge.stack.stack import Stack  # noqa: PLC0415

    start = time.monotonic()
    stack = Stack(StackSettings.read(os.environ), signals, say)
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
    if stack.settings.port is None and stack.port != DEFAULT_PORT:
        say(f"Port {DEFAULT_PORT} is taken, so the API listens on {stack.port}")
    say(
        f"""
ganforge runs, after {seconds:.1f} s.

  dashboard   {stack.url}/dashboard   (sign in with the admin key)
  API         {stack.url}   (documentation: {stack.url}/docs)
  admin key   {stack.home.admin_key_file}
  logs        {stack.home.logs}
  workers     {", ".join(seat.name for seat in stack.seats)}

Try, in another terminal:

  ganforge train compact --dataset mnist-10k --set epochs=5
  curl -H "Authorization: Bearer $(cat {stack.home.admin_key_file})" {stack.url}/v1/jobs

Ctrl-C stops everything."""
    )
