"""`ganforge jobs`, `views`, `watch`, `open`, `cancel` and `download`."""

from __future__ import annotations

import os
import sys
import webbrowser
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganforge.cli import completion
from ganforge.cli.filters import DatasetFilter, Kinds, LabelFilter, Projects, Queues, Recipes, Search, Starred, States
from ganforge.cli.ids import JobId, dataset_id, resolve, resolve_id
from ganforge.cli.output import (
    FAILED,
    MAX_ROWS,
    AsJson,
    ago,
    as_typed,
    complain,
    done_words,
    finish,
    on_terminal,
    print_items,
    print_json,
    print_table,
    say,
    tell,
    usage,
)
from ganforge.cli.report_card import show_card
from ganforge.cli.watch import follow
from ganforge.client import Client
from models.formats import size
from models.states import TERMINAL

if TYPE_CHECKING:  # importing pydantic would make every command start later
    from models.views import Job


def jobs(
    query: Search = None,
    project: Projects = None,
    starred: Starred = False,
    view: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Use the filter and order of a saved view.", autocompletion=completion.views),
    ] = None,
    state: States = None,
    queue: Queues = None,
    recipe: Recipes = None,
    label: LabelFilter = None,
    kind: Kinds = None,
    dataset: DatasetFilter = None,
    sort: Annotated[
        str | None,
        typer.Option(
            help="Sort by created_at, finished_at, name, priority, duration, fd_ratio or kid; descending with a "
            "leading -. Default: -created_at.",
            metavar="ORDER",
        ),
    ] = None,
    limit: Annotated[int, typer.Option(metavar="ROWS", min=1, max=MAX_ROWS, help="Maximum number of rows.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List jobs, newest first."""
    asked: dict[str, Any] = {"state": state, "queue": queue, "recipe": recipe, "label": label, "kind": kind}
    asked |= {"sort": sort, "q": " ".join(query or []), "project": project, "starred": "true" if starred else None}
    with Client() as client:
        asked["dataset"] = None if dataset is None else dataset_id(client, dataset)
        asked = {**(_kept(client, view) if view else {}), **{name: value for name, value in asked.items() if value}}
        found = list(islice(client.jobs(**asked), limit))
    if as_json:
        print_items(found)
        return
    columns = ("job", "kind", "recipe", "state", "progress", "FD ratio", "queue", "name", "project", "created")
    print_table(columns, map(_row, found), "No jobs.")


def _kept(client: Client, name: str) -> dict[str, Any]:
    """Return filter and order of a saved view as parameters of a list."""
    found = next((view for view in client.views() if view["name"] == name), None)
    if found is None:
        usage(f"there is no view {name}; `ganforge views` lists yours")
    given = {field: value for field, value in found["filter"].items() if value is not None}
    texts = {field: as_typed(value) if isinstance(value, bool) else value for field, value in given.items()}
    return {**texts, "sort": found["sort"]}


def views(
    delete: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Delete this view; its jobs stay.", autocompletion=completion.views),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List saved views of the job list."""
    with Client() as client:
        found = list(client.views())
        if delete is not None:
            chosen = next((view for view in found if view["name"] == delete), None)
            if chosen is None:
                usage(f"there is no view {delete}; `ganforge views` lists yours")
            client.delete_view(chosen["id"])
            tell(as_json, {"id": chosen["id"], "deleted": True}, f"{delete} is deleted")
            return
    if as_json:
        print_items(found)
        return
    rows = ((view["name"], _pairs(view["filter"]), view["sort"], " ".join(view["columns"])) for view in found)
    print_table(("view", "filter", "sort", "columns"), rows, "No views; the page of jobs saves them.")


def _pairs(wanted: dict[str, Any]) -> str:
    return " ".join(
        f"{name}={','.join(value) if isinstance(value, list) else as_typed(value)}" for name, value in wanted.items()
    )


def _row(job: Job) -> tuple[str | None, ...]:
    progress = job["progress"]
    state = f"{job['state']} ({job['pending_action']})" if job["pending_action"] else job["state"]
    done = done_words(progress["fraction"])
    ratio = None if job["fd_ratio"] is None else f"{job['fd_ratio']:.2f}"
    of = (job["id"], job["kind"], job["recipe"], state, done, ratio)
    return *of, job["queue"], job["name"], job["project"], ago(job["created_at"])


def watch(
    job_id: JobId,
    plot: Annotated[bool, typer.Option("--plot", help="Draw the losses as curves.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print events as JSON, one a line.")] = False,
) -> None:
    """Watch a job until it ends. The exit code is the job's result."""
    if plot and as_json:
        usage("pass --plot or --json, not both")
    with Client() as client:
        ended = follow(client, resolve(client, job_id), as_json=as_json, plot=plot)
        if not as_json:
            show_card(client, ended)
    finish(ended)


def open_page(
    job_id: Annotated[
        str | None,
        typer.Argument(
            metavar="JOB",
            help="A job's id, its last digits, or `last`. Default: the overview.",
            autocompletion=completion.jobs,
        ),
    ] = None,
    print_only: Annotated[bool, typer.Option("--print", help="Print the address and open nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Open a job's page in the browser, or print its address where there is none."""
    with Client() as client:
        address = f"{client.url}/dashboard"
        if job_id is not None:
            address += f"/jobs/{resolve(client, job_id)['id']}"
    tell(as_json, {"url": address}, address)
    if not (print_only or as_json) and on_terminal() and _has_browser():
        webbrowser.open(address)


def _has_browser() -> bool:
    """Return whether a browser has a screen to open on; one in this terminal would hide what is printed."""
    return sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def cancel(
    job_id: JobId,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until the job has ended.")] = True,
    as_json: AsJson = False,
) -> None:
    """Cancel a job. A running job writes a last checkpoint first."""
    with Client() as client:
        job = client.cancel(resolve_id(client, job_id))
        if wait:
            job = client.wait(job["id"])
    # The job may have ended before the request arrived: then there was nothing to cancel.
    ended = job["state"] in TERMINAL and job["state"] != "canceled"
    if as_json:
        print_json(job)
    elif not ended:
        say(f"{job['id']} is {job['state']}" + (", and will be canceled" if job["pending_action"] else ""))
    if wait and ended:
        complain(f"{job['id']} has already {job['state']}")
        raise typer.Exit(FAILED)


def download(
    job_id: JobId,
    to: Annotated[
        Path, typer.Option("--to", "-o", file_okay=False, help="Folder to save to. Default: this one.")
    ] = Path(),
    kind: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND", help="Filter by kind of file, such as grid or weights (repeatable)."),
    ] = None,
    list_only: Annotated[bool, typer.Option("--list", help="List the files and download nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Download a job's files and verify their checksums."""
    with Client() as client:
        job = resolve(client, job_id)
        chosen = [artifact for artifact in client.artifacts(job["id"]) if not kind or artifact["kind"] in kind]
        if as_json and list_only:
            print_items(chosen)
            return
        if list_only:
            rows = ((a["id"], a["kind"], a["name"], a["epoch"], size(a["bytes"])) for a in chosen)
            print_table(("artifact", "kind", "name", "epoch", "size"), rows, "Nothing yet.")
            return
        if not chosen:
            complain(f"{job['id']} has no files" + (f" of the kind {', '.join(kind)}" if kind else "") + " yet")
            raise typer.Exit(FAILED)
        to.mkdir(parents=True, exist_ok=True)
        files = [client.download(artifact, to) for artifact in chosen]
    if as_json:
        print_items({**artifact, "file": str(file)} for artifact, file in zip(chosen, files, strict=True))
        return
    for file in files:
        say(str(file))
