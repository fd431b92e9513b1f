"""Groups of commands, such as `ganforge keys`, that list what there is when they stand alone."""

from __future__ import annotations

from collections.abc import Callable

import typer

from ganforge.cli.output import AsJson, usage


def group(text: str, show: Callable[[bool], None]) -> typer.Typer:
    """Return a group of commands with the help `text`; `show` lists, for the group alone and as its command `list`.

    `show` takes whether to print JSON.
    """
    made = typer.Typer(help=text)

    @made.callback(invoke_without_command=True, help=text)
    def alone(context: typer.Context, as_json: AsJson = False) -> None:
        if context.invoked_subcommand is None:
            show(as_json)
        elif as_json:
            usage(f"write --json behind the command: {context.command_path} {context.invoked_subcommand} … --json")

    made.command("list")(show)
    return made
