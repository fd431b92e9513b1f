"""`ganforge delete`, `restore`, `trash` and `storage`."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from ganforge.cli.jobs import resolve
from ganforge.cli.output import FAILED, MAX_ROWS, AsJson, ago, complain, print_json, print_table, say
from ganforge.client import Client
from ganforge.errors import ApiError
from models.formats import size

if TYPE_CHECKING:  # importing pydantic would make every command start later
    from models.views import Storage

JobIds = Annotated[list[str], typer.Argument(metavar="JOB...", help="Ids of jobs, or `last` for the newest.")]


def delete(
    job_ids: JobIds,
    for_good: Annotated[bool, typer.Option("--for-good", help="Not into the trash: they cannot be restored.")] = False,
) -> None:
    """Move ended jobs to the trash (many by a filter: `ganforge bulk delete`)."""
    refused = 0
    with Client() as client:
        for given in job_ids:
            try:
                job_id = resolve(client, given)["id"]
                client.delete(job_id, purge=for_good)
            except ApiError as error:
                complain(f"{given}: {error}")
                refused += 1
            else:
                say(f"{job_id} is deleted for good" if for_good else f"{job_id} is in the trash")
    if refused:
        raise typer.Exit(FAILED)


def restore(job_ids: JobIds, as_json: AsJson = False) -> None:
    """Restore jobs from the trash (many by a filter: `ganforge bulk restore`)."""
    refused, restored = 0, []
    with Client() as client:
        for given in job_ids:
            try:
                restored.append(client.restore(given))
            except ApiError as error:
                complain(f"{given}: {error}")
                refused += 1
    if as_json:
        print_json(restored)
    else:
        for job in restored:
            say(f"{job['id']} is restored")
    if refused:
        raise typer.Exit(FAILED)


def trash(
    empty: Annotated[
        int | None,
        typer.Option("--empty", metavar="NUMBER", min=0, help="Delete all of it for good: so many jobs, as listed."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=MAX_ROWS, help="Maximum number of rows.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the jobs in the trash, or empty it."""
    with Client() as client:
        if empty is not None:
            result = client.bulk("purge", {}, expected=empty)
            print_json(result) if as_json else say(f"{result['changed']} jobs are deleted for good")
            return
        found = list(islice(client.jobs(trashed="true"), limit))
    if as_json:
        print_json(found)
        return
    rows = ((j["id"], j["kind"], j["recipe"], j["state"], j["name"], ago(j["trashed_at"])) for j in found)
    print_table(("job", "kind", "recipe", "state", "name", "deleted"), rows, "The trash is empty.")


def storage(as_json: AsJson = False) -> None:
    """Show what takes the room: by owner, kind, data set and job."""
    with Client() as client:
        held = client.storage()
    if as_json:
        print_json(held)
        return
    _show(held)


def _show(held: Storage) -> None:
    inside = held["trash"]
    say(f"{size(held['bytes'])} in {held['objects']} objects")
    say(f"The trash holds {size(inside['bytes'])} in {inside['objects']} objects of {inside['jobs']} jobs")
    if not held["objects"]:
        return
    owners = ((one["owner"], size(one["bytes"]), one["objects"]) for one in held["by_owner"])
    print_table(("owner", "size", "objects"), owners, "")
    kinds = ((one["kind"], size(one["bytes"]), one["objects"]) for one in held["by_kind"])
    print_table(("kind", "size", "objects"), kinds, "")
    if held["by_dataset"]:
        sets = ((one["dataset"], one["name"], one["owner"], size(one["bytes"])) for one in held["by_dataset"])
        print_table(("data set", "name", "owner", "size"), sets, "")
    if held["by_job"]:
        jobs = ((j["job"], j["name"], j["recipe"], j["owner"], size(j["bytes"])) for j in held["by_job"][:20])
        print_table(("job", "name", "recipe", "owner", "size"), jobs, "")
