"""`ganforge datasets`: list, add, show, delete and fetch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn, TransferSpeedColumn

from ganforge.cli import completion
from ganforge.cli.group import group
from ganforge.cli.ids import dataset_id
from ganforge.cli.output import AsJson, console, print_items, print_json, print_table, say, tell
from ganforge.client import Client
from ganforge.upload import STANDARD_INPUT
from models.formats import size

if TYPE_CHECKING:  # importing pydantic would make every command start later
    from models.views import Dataset

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="The data set's name or id.", autocompletion=completion.datasets)
]


def list_datasets(as_json: AsJson = False) -> None:
    """List data sets that jobs can train on."""
    with Client() as client:
        found = list(client.datasets())
    if as_json:
        print_items(found)
        return
    rows = (
        (
            one["name"],
            one["state"],
            f"{one['images']:,}",
            "x".join(map(str, one["shape"])),
            size(one["bytes"]),
            one["id"],
        )
        for one in found
    )
    print_table(("data set", "state", "images", "shape", "size", "id"), rows, "No data sets.")


app = group("List data sets; add, show and delete your own.", list_datasets)


def _readable(path: Path) -> Path:
    # Typer's own check takes `-` for a file that is not there.
    if path != STANDARD_INPUT and not os.access(path, os.R_OK):
        why = "is not readable" if os.path.lexists(path) else "does not exist"
        raise typer.BadParameter(f"path {str(path)!r} {why}.")
    return path


@app.command("add")
def add(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER_OR_ARCHIVE",
            callback=_readable,
            help="A folder, zip or tar of pictures: in one folder, a folder per class, or A/ and B/ for translation; "
            "- reads the archive from standard input.",
        ),
    ],
    name: Annotated[str | None, typer.Option(help="Name of the data set. Default: the file's name.")] = None,
    side: Annotated[
        int | None,
        typer.Option("--size", help="Side of the images in pixels. Default: keep uniform squares; otherwise 64."),
    ] = None,
    skip_damaged: Annotated[
        bool, typer.Option("--skip-damaged", help="Leave out damaged pictures and other files.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Upload your own pictures as a new data set."""
    with Client() as client:
        terminal = console()
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            DownloadColumn(),
            TransferSpeedColumn(),
        )
        with Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal) as bar:
            task = bar.add_task("sending", total=None)

            def moved(sent: int, total: int) -> None:
                words = "checking and packing" if sent == total else "sending"
                bar.update(task, completed=sent, total=total, description=words)

            made = client.add_dataset(path, name=name, size=side, skip_damaged=skip_damaged, on_progress=moved)
    if as_json:
        print_json(made)
        return
    say(f"{made['name']} is ready: {_content(made)}")
    for note in made["notes"]:
        say(f"  {note}")


@app.command("show")
def show(name: Name, as_json: AsJson = False) -> None:
    """Show one data set."""
    with Client() as client:
        found = client.dataset(dataset_id(client, name))
    if as_json:
        print_json(found)
        return
    parts = ", ".join(f"{part} {count:,}" for part, count in sorted(found["parts"].items(), reverse=True))
    rows = {
        "id": found["id"],
        "state": found["state"],
        "source": found["source"],
        "owner": found["owner"] or "everybody",
        "layout": found["layout"],
        "shape": "x".join(map(str, found["shape"])),
        "images": f"{found['images']:,} ({parts})",
        "classes": ", ".join(found["classes"]) or "none",
        "size": size(found["bytes"]),
        "sha256": found["sha256"],
        "preview": found["preview"],
        "created": found["created_at"],
    }
    print_table((found["name"], ""), rows.items(), "")


@app.command("delete")
def delete(name: Name, as_json: AsJson = False) -> None:
    """Delete one of your data sets. Finished jobs keep its name."""
    with Client() as client:
        found = client.dataset(dataset_id(client, name))
        client.delete_dataset(found["id"])
    tell(as_json, {"id": found["id"], "deleted": True}, f"{found['name']} is deleted")


def _content(one: Dataset) -> str:
    shape = "x".join(map(str, one["shape"]))
    parts = " and ".join(f"{count:,} in {part}" for part, count in sorted(one["parts"].items(), reverse=True))
    classes = f", {len(one['classes'])} classes" if one["classes"] else ""
    return f"{one['images']:,} pictures of {shape} ({parts}){classes}, {size(one['bytes'])}"


@app.command("fetch")
def fetch(
    name: Annotated[str, typer.Argument(metavar="NAME", help="mnist, fashion-mnist, cifar-10 or celeba.")],
    root: Annotated[
        Path | None, typer.Option(help="Folder to download to. Default: the first of GANFORGE_DATA_ROOTS.")
    ] = None,
) -> None:
    """Download a published data set to this machine. The service finds it at its next start."""
    first = os.environ.get("GANFORGE_DATA_ROOTS", "").split(os.pathsep)[0]
    if root is None and not first:
        raise typer.BadParameter("say where to: give --root, or set GANFORGE_DATA_ROOTS", param_hint="--root")
    target = (root or Path(first)).absolute()
    # Runs in the trainers' environment, which has the libraries for these formats.
    done = subprocess.run([sys.executable, "-m", "trainers.data.download", name, str(target)], check=False)
    if done.returncode:
        raise typer.Exit(1)
    say(f"{name} is in {target}. A service with this folder in GANFORGE_DATA_ROOTS lists it after its next start.")
