"""`ganforge retention`: what is kept of the ended jobs of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ganforge.cli.group import group
from ganforge.cli.ids import chosen_id
from ganforge.cli.output import AsJson, print_items, print_json, print_table, say, tell, usage
from ganforge.client import Client
from models.formats import size

if TYPE_CHECKING:  # importing pydantic would make every command start later
    from models.views import RetentionPolicy, RetentionPreview

RULES = (
    ("checkpoints_after_days", "checkpoints after"),
    ("grids_after_days", "grids after"),
    ("failed_after_days", "failed jobs after"),
    ("ended_after_days", "ended jobs after"),
)
KINDS = (("trash", "jobs into the trash"), ("checkpoints", "checkpoints"), ("grids", "grids"))


def list_policies(as_json: AsJson = False) -> None:
    """List the retention policies."""
    with Client() as client:
        found = list(client.retention())
    if as_json:
        print_items(found)
        return
    rows = ((one["id"], one["owner"], one["project"], _told(one)) for one in found)
    print_table(("policy", "owner", "project", "what goes"), rows, "No retention policies.")


app = group("Set what is kept of the ended jobs of a project, and for how long.", list_policies)


@app.command("set")
def set_policy(
    project: Annotated[str, typer.Argument(metavar="PROJECT", help="The project.")],
    checkpoints_after: Annotated[
        int | None, typer.Option(metavar="DAYS", min=0, help="Days after a job's end when surplus checkpoints go.")
    ] = None,
    keep_checkpoints: Annotated[
        int | None, typer.Option(min=1, help="How many of the newest stay, beside the best; default: 1.")
    ] = None,
    grids_after: Annotated[
        int | None, typer.Option(metavar="DAYS", min=0, help="Days when all grids but the newest go.")
    ] = None,
    failed_after: Annotated[
        int | None, typer.Option(metavar="DAYS", min=1, help="Days when failed and canceled jobs move to the trash.")
    ] = None,
    ended_after: Annotated[
        int | None, typer.Option(metavar="DAYS", min=1, help="Days when any ended job moves to the trash.")
    ] = None,
    owner: Annotated[str | None, typer.Option(help="Whose project (admin); default: your own.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go now.")] = False,
    as_json: AsJson = False,
) -> None:
    """Set what is kept of a project's ended jobs, in place of an earlier policy. See first with --dry-run what goes."""
    given = {
        "keep_checkpoints": keep_checkpoints,
        "checkpoints_after_days": checkpoints_after,
        "grids_after_days": grids_after,
        "failed_after_days": failed_after,
        "ended_after_days": ended_after,
    }
    rules = {name: value for name, value in given.items() if value is not None}
    if not rules.keys() - {"keep_checkpoints"}:
        usage("nothing would go: pass --checkpoints-after, --grids-after, --failed-after or --ended-after")
    with Client() as client:
        if dry_run:
            preview = client.preview_retention(project, owner=owner, **rules)
            print_json(preview) if as_json else _show(preview)
            return
        policy = client.set_retention(project, owner=owner, **rules)
    tell(as_json, policy, policy["id"])


@app.command("delete")
def delete(
    policy_id: Annotated[str, typer.Argument(metavar="POLICY", help="A policy's id, its last digits, or its project.")],
    as_json: AsJson = False,
) -> None:
    """Delete a retention policy. What it removed stays removed."""
    with Client() as client:
        chosen = chosen_id(client.retention(), policy_id, "policy", listed="ganforge retention", name="project")
        client.delete_retention(chosen)
    tell(as_json, {"id": chosen, "deleted": True}, f"{chosen} is deleted")


def _told(policy: RetentionPolicy) -> str:
    days = {name: policy[name] for name, _ in RULES}  # type: ignore[literal-required]
    said = [f"{words} {days[name]} d" for name, words in RULES if days[name] is not None]
    return f"{', '.join(said)}; {policy['keep_checkpoints']} checkpoints stay"


def _show(preview: RetentionPreview) -> None:
    for name, words in KINDS:
        goes = preview[name]  # type: ignore[literal-required]
        say(f"{words}: {goes['objects']} objects of {goes['jobs']} jobs, {size(goes['bytes'])}")
        for one in goes["examples"]:
            say(f"  {one['job']} {one['name'] or one['recipe']}: {size(one['bytes'])}")
