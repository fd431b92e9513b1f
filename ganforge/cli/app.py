"""The Typer application: its commands, and the conversion of errors to a line and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from shutil import get_terminal_size
from typing import Annotated

import typer
from typer.exceptions import TyperException

from ganforge.cli import (
    admin,
    catalog,
    datasets,
    demo,
    evaluate,
    job_actions,
    jobs,
    logs,
    retention,
    share,
    show,
    submit,
    trash,
    up,
    usage,
    webhooks,
)
from ganforge.cli.output import INTERRUPTED, OK, OTHER_ERROR, USAGE, complain, drop, prepare, say
from ganforge.errors import EncodingError, GanforgeError, OutputError

EPILOG = (
    "GANFORGE_URL and GANFORGE_API_KEY name the service; without them it is the local stack of GANFORGE_HOME.\n\n"
    "An id may be cut to its last digits, as pages show it. Commands in the plural list what there is. --json prints "
    'one thing as the API has it, and a list as {"items": [...]}.\n\n'
    "Exit codes: 0 success, 1 the job failed, 2 wrong usage, 3 the job was canceled, 4 another error (the service "
    "refused or does not answer, a setting is wrong, the output can't be written), 130 interrupted."
)
# Set by the shell when it completes a command.
COMPLETING = "_GANFORGE_COMPLETE"

# In fewer columns, Typer's tables cut the names of options, so help is plain text.
COLUMNS = get_terminal_size().columns
NARROW = COLUMNS < 70

app = typer.Typer(
    rich_markup_mode=None if NARROW else "rich",
    context_settings={"terminal_width": COLUMNS} if NARROW else {},
    help="Train generative adversarial networks (GANs): submit jobs, watch them, download what they made.",
    epilog=EPILOG,
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version  # noqa: PLC0415 - only this option needs it

        say(f"ganforge {version('ganforge')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    del version


# By what people come for; a group of commands beside single ones.
COMMANDS: Mapping[str, Mapping[str, Callable[..., None] | typer.Typer]] = {
    "This machine": {"up": up.up, "demo": demo.demo},
    "What to train": {"recipes": catalog.recipes, "datasets": datasets.app},
    "New jobs": {"train": submit.train, "sample": submit.sample, "evaluate": evaluate.evaluate},
    "Jobs": {
        "jobs": jobs.jobs,
        "show": show.show,
        "views": jobs.views,
        "watch": jobs.watch,
        "open": jobs.open_page,
        "logs": logs.logs,
        "download": jobs.download,
        "share": share.share,
        "cancel": jobs.cancel,
        "pause": job_actions.pause,
        "resume": job_actions.resume,
        "retry": job_actions.retry,
        "change": job_actions.change,
        "bulk": job_actions.bulk,
        "delete": trash.delete,
        "restore": trash.restore,
    },
    "Storage": {"trash": trash.trash, "storage": trash.storage, "retention": retention.app},
    "Running the service": {
        "queues": admin.queues,
        "workers": admin.workers,
        "keys": catalog.keys,
        "webhooks": webhooks.app,
        "usage": usage.usage,
        "audit": admin.audit,
    },
}
EPILOGS = {"up": up.EPILOG}

for _panel, _commands in COMMANDS.items():
    for _name, _command in _commands.items():
        if isinstance(_command, typer.Typer):
            app.add_typer(_command, name=_name, rich_help_panel=_panel)
        else:
            app.command(_name, rich_help_panel=_panel, epilog=EPILOGS.get(_name))(_command)


def run(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code. Every error is a line on standard error."""
    try:
        prepare()
        code = _run(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
    except (typer.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except (EncodingError, UnicodeError):
        complain(str(EncodingError()))
        return USAGE
    except GanforgeError as error:
        complain(str(error))
    except OSError as error:
        where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
        complain(f"{where}{error.strerror or error}")
    else:
        return code
    if sys.stdout is not None:
        _flush_or_drop()
    return OTHER_ERROR


def _run(given: list[str]) -> int:
    try:
        # Typer returns the exit code that a command raised, or None if the command just returned.
        code = app(given or ["--help"], prog_name="ganforge", standalone_mode=False)
    except TyperException as error:
        context = getattr(error, "ctx", None)
        hint = f" (see `{context.command_path} --help`)" if context else ""
        complain(f"{_message(error)}{hint}")
        return int(getattr(error, "exit_code", USAGE))
    except SystemExit as error:
        # So ends what Typer answers to a shell that completes a command.
        if COMPLETING in os.environ or not error.code:
            return error.code if isinstance(error.code, int) else OK
        # Rich raises SystemExit when the reader of Typer's help has closed the pipe.
        raise OutputError("the reader of the output is gone") from error
    return code if isinstance(code, int) else 0


def _flush_or_drop() -> None:
    """Write what was printed before an error, or forget it if the error was that it can't be written."""
    try:
        sys.stdout.flush()
    except OSError:
        drop(sys.stdout)


def _message(error: TyperException) -> str:
    return " ".join(error.format_message().split())
