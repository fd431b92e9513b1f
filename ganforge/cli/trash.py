"""`ganforge delete`, `restore`, `trash` and `storage`."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from ganforge.cli.ids import JobIds, resolve_id
from ganforge.cli.output import (
    FAILED,
    MAX_ROWS,
    AsJson,
    ago,
    complain,
    print_items,
    print_json,
    print_table,
    say,
    tell,
)
from ganforge.client import Client
from ganforge.errors import GanforgeError, UnreachableError
from models.formats import size

if TYPE_CHECKING:  # importing pydantic would make every command start later
    from models.views import Storage


def delete(
    job_ids: JobIds,
    for_good: Annotated[
        bool, typer.Option("--for-good", help="Delete at once, past the trash. Cannot be undone.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Move ended jobs to the trash (many by a filter: `ganforge bulk delete`)."""
    refused = 0
    deleted: list[str] = []
    with Client() as client:
        for given in job_ids:
            try:
                job_id = resolve_id(client, given)
                client.delete(job_id, purge=for_good)
            except UnreachableError:
                raise
            except GanforgeError as error:
                complain(f"{given}: {error}")
                refused += 1
            else:
                deleted.append(job_id)
                if not as_json:
                    say(f"{job_id} is deleted for good" if for_good else f"{job_id} is in the trash")
    if as_json:
        print_items({"id": job_id, "purged": for_good} for job_id in deleted)
    if refused:
        raise typer.Exit(FAILED)


def restore(job_ids: JobIds, as_json: AsJson = False) -> None:
    """Restore jobs from the trash (many by a filter: `ganforge bulk restore`)."""
    refused, restored = 0, []
    with Client() as client:
        for given in job_ids:
            try:
                restored.append(client.restore(resolve_id(client, given, trashed="true")))
            except UnreachableError:
                raise
            except GanforgeError as error:
                complain(f"{given}: {error}")
                refused += 1
    if as_json:
        print_items(restored)
    else:
        for job in restored:
            say(f"{job['id']} is restored")
    if refused:
        raise typer.Exit(FAILED)


def trash(
    empty: Annotated[
        int | None,
        typer.Option(
            "--empty",
            metavar="NUMBER",
            min=0,
            help="Delete all jobs in the trash for good; NUMBER is how many there are.",
        ),
    ] = None,
    limit: Annotated[int, typer.Option(metavar="ROWS", min=1, max=MAX_ROWS, help="Maximum number of rows.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the jobs in the trash, or empty it."""
    with Client() as client:
        if empty is not None:
            result = client.bulk("purge", {}, expected=empty)
            tell(as_json, result, f"{result['changed']} jobs are deleted for good")
            return
        found = list(islice(client.jobs(trashed="true"), limit))
    if as_json:
        print_items(found)
        return
    rows = ((j["id"], j["kind"], j["recipe"], j["state"], j["name"], ago(j["trashed_at"])) for j in found)
    print_table(("job", "kind", "recipe", "state", "name", "deleted"), rows, "The trash is empty.")


def storage(as_json: AsJson = False) -> None:
    """Show storage used, by owner, kind, data set and job."""
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
