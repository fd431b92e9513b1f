"""`ganforge share`: links that show a job to people without a key."""

from __future__ import annotations

from typing import Annotated

import typer

from ganforge.cli.ids import JobId, resolve_id
from ganforge.cli.output import AsJson, ago, print_items, print_table, tell, usage
from ganforge.client import Client

DAY_S = 86_400


def share(
    job_id: JobId,
    days: Annotated[float, typer.Option(help="Days until the link expires; at most 90.")] = 7,
    list_only: Annotated[bool, typer.Option("--list", help="List the job's links that work.")] = False,
    revoke: Annotated[bool, typer.Option("--revoke", help="Revoke all links of the job at once.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print a link to a read-only page of a job; whoever has it needs no key."""
    if list_only and revoke:
        usage("pass --list or --revoke, not both")
    with Client() as client:
        job = resolve_id(client, job_id)
        if list_only:
            links = list(client.shares(job))
            if as_json:
                print_items(links)
            else:
                rows = ((one["id"], ago(one["created_at"]), one["expires_at"]) for one in links)
                print_table(("link", "created", "ends"), rows, "No links.")
            return
        if revoke:
            client.revoke_shares(job)
            tell(as_json, {"id": job, "shared": False}, f"{job} is shared no more")
            return
        made = client.share(job, expires_in_s=round(days * DAY_S))
    tell(as_json, made, made["url"])
