"""`ganforge jobs`, `views`, `watch`, `cancel` and `download`."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganforge.cli.output import FAILED, MAX_ROWS, AsJson, ago, complain, finish, print_json, print_table, say, usage
from ganforge.cli.report_card import show_card
from ganforge.cli.watch import follow
from ganforge.client import Client
from models.formats import size

if TYPE_CHECKING:  # importing pydantic would make every command start later
    from models.views import Job

LAST = "last"
JobId = Annotated[str, typer.Argument(metavar="JOB", help="A job's id, or `last` for the newest.")]


def jobs(
    query: Annotated[
        list[str] | None,
        typer.Option("--query", "-q", metavar="SEARCH", help="Words, and terms such as 'params.batch_size>=64'."),
    ] = None,
    project: Annotated[str | None, typer.Option(help="Only this project.")] = None,
    starred: Annotated[bool, typer.Option("--starred", help="Only jobs with a star.")] = False,
    view: Annotated[str | None, typer.Option(metavar="NAME", help="The filter and order of a saved view.")] = None,
    state: Annotated[list[str] | None, typer.Option(help="Only these states; repeatable.")] = None,
    queue: Annotated[str | None, typer.Option(help="Only this queue.")] = None,
    recipe: Annotated[str | None, typer.Option(help="Only this recipe.")] = None,
    label: Annotated[list[str] | None, typer.Option(metavar="NAME=TEXT", help="Only jobs with this label.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only train, sample or evaluate.")] = None,
    dataset: Annotated[str | None, typer.Option("--dataset", "-d", help="Only this data set.")] = None,
    sort: Annotated[
        str | None,
        typer.Option(
            help="created_at, finished_at, name, priority, duration, fd_ratio or kid; with - before it: falling.",
            metavar="ORDER",
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=MAX_ROWS, help="Maximum number of rows.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List jobs, newest first."""
    asked: dict[str, Any] = {
        "state": state,
        "queue": queue,
        "recipe": recipe,
        "label": label,
        "kind": kind,
        "dataset": dataset,
    }
    asked |= {"sort": sort, "q": " ".join(query or []), "project": project, "starred": "true" if starred else None}
    with Client() as client:
        asked = {**(_kept(client, view) if view else {}), **{name: value for name, value in asked.items() if value}}
        found = list(islice(client.jobs(**asked), limit))
    if as_json:
        print_json(found)
        return
    columns = ("job", "kind", "recipe", "state", "progress", "FD ratio", "queue", "name", "created")
    print_table(columns, map(_row, found), "No jobs.")


def _kept(client: Client, name: str) -> dict[str, Any]:
    """Return filter and order of a saved view as parameters of a list."""
    found = next((view for view in client.views() if view["name"] == name), None)
    if found is None:
        usage(f"there is no view {name}; `ganforge views` lists yours")
    given = {field: value for field, value in found["filter"].items() if value is not None}
    texts = {field: str(value).lower() if isinstance(value, bool) else value for field, value in given.items()}
    return {**texts, "sort": found["sort"]}


def views(
    delete: Annotated[str | None, typer.Option(metavar="NAME", help="Delete this one; its jobs stay.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the saved views of the list of jobs."""
    with Client() as client:
        found = list(client.views())
        if delete is not None:
            chosen = next((view for view in found if view["name"] == delete), None)
            if chosen is None:
                usage(f"there is no view {delete}")
            client.delete_view(chosen["id"])
            say(f"{delete} is deleted")
            return
    if as_json:
        print_json(found)
        return
    rows = ((view["name"], _pairs(view["filter"]), view["sort"], " ".join(view["columns"])) for view in found)
    print_table(("view", "filter", "sort", "columns"), rows, "No views; the page of jobs saves them.")


def _pairs(wanted: dict[str, Any]) -> str:
    return " ".join(f"{name}={','.join(value) if isinstance(value, list) else value}" for name, value in wanted.items())


def _row(job: Job) -> tuple[str | None, ...]:
    progress = job["progress"]
    state = f"{job['state']} ({job['pending_action']})" if job["pending_action"] else job["state"]
    done = None if progress["fraction"] is None else f"{progress['fraction']:.0%}"
    ratio = None if job["fd_ratio"] is None else f"{job['fd_ratio']:.2f}"
    of = (job["id"], job["kind"], job["recipe"], state, done, ratio)
    return *of, job["queue"], job["name"], ago(job["created_at"])


def watch(job_id: JobId, as_json: AsJson = False) -> None:
    """Watch a job until it ends; the exit code is the job's result."""
    with Client() as client:
        ended = follow(client, resolve(client, job_id), as_json=as_json)
        if not as_json:
            show_card(client, ended)
    finish(ended)


def cancel(
    job_id: JobId,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until the job has ended.")] = True,
    as_json: AsJson = False,
) -> None:
    """Cancel a job; a running job writes a last checkpoint first."""
    with Client() as client:
        job = client.cancel(resolve(client, job_id)["id"])
        if wait:
            job = client.wait(job["id"])
    if as_json:
        print_json(job)
    else:
        say(f"{job['id']} is {job['state']}" + (", and will be canceled" if job["pending_action"] else ""))
    # The job may have ended before the request arrived: then there was nothing to cancel.
    if wait and job["state"] != "canceled":
        complain(f"{job['id']} had already {job['state']}")
        raise typer.Exit(FAILED)


def download(
    job_id: JobId,
    to: Annotated[Path, typer.Option("--to", "-o", file_okay=False, help="The target folder.")] = Path(),
    kind: Annotated[list[str] | None, typer.Option(help="Only these kinds, such as grid; repeatable.")] = None,
    list_only: Annotated[bool, typer.Option("--list", help="Only list the files.")] = False,
    as_json: AsJson = False,
) -> None:
    """Download a job's files and check each against its sha256."""
    with Client() as client:
        job = resolve(client, job_id)
        chosen = [artifact for artifact in client.artifacts(job["id"]) if not kind or artifact["kind"] in kind]
        if as_json and list_only:
            print_json(chosen)
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
        print_json([str(file) for file in files])
        return
    for file in files:
        say(str(file))


def resolve(client: Client, job_id: str, **filters: str) -> Job:
    """Return the job with this id, or for `last` the newest that matches the filters."""
    if job_id != LAST:
        return client.job(job_id)
    newest = next(client.jobs(**filters), None)
    return newest if newest is not None else usage("there is no job yet; `ganforge train compact` submits one")
