"""`ganforge share`: links that show a job to people without a key."""

from __future__ import annotations

from typing import Annotated

import typer

from ganforge.cli import completion
from ganforge.cli.ids import JobId, chosen_id, resolve_id
from ganforge.cli.output import AsJson, ago, print_items, print_table, tell, usage
from ganforge.client import Client

DAY_S = 86_400
EVERY = "all"


def share(
    job_id: JobId,
    days: Annotated[float, typer.Option(metavar="DAYS", min=0.001, max=90, help="Days until the link expires.")] = 7,
    list_only: Annotated[bool, typer.Option("--list", help="List the job's links that work.")] = False,
    revoke: Annotated[
        str | None,
        typer.Option(
            metavar="LINK",
            help="Revoke a link at once: an id from --list, its last digits, or `all`.",
            autocompletion=completion.shares,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print a link to a read-only page of a job; whoever has it needs no key."""
    if list_only and revoke is not None:
        usage("pass --list or --revoke, not both")
    with Client() as client:
        job = resolve_id(client, job_id)
        if list_only:
            _list(client, job, as_json)
        elif revoke is None:
            made = client.share(job, expires_in_s=round(days * DAY_S))
            tell(as_json, made, made["url"])
        elif revoke == EVERY:
            client.revoke_shares(job)
            tell(as_json, {"id": job, "revoked": True}, f"All links of {job} are revoked")
        else:
            link = chosen_id(client.shares(job), revoke, "link", listed=f"ganforge share {job} --list")
            client.revoke_shares(job, link)
            tell(as_json, {"id": link, "revoked": True}, f"{link} is revoked")


def _list(client: Client, job: str, as_json: bool) -> None:
    links = list(client.shares(job))
    if as_json:
        print_items(links)
        return
    rows = ((one["id"], ago(one["created_at"]), ago(one["expires_at"])) for one in links)
    print_table(("link", "created", "ends"), rows, "No links.")
