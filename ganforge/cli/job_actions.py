"""`ganforge pause`, `resume`, `retry`, `change` and `bulk`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganforge.cli import completion
from ganforge.cli.filters import DatasetFilter, Kinds, LabelFilter, Projects, Queues, Recipes, Search, Starred, States
from ganforge.cli.ids import JobId, checkpoint_id, dataset_id, resolve_id
from ganforge.cli.output import FAILED, AsJson, complain, print_json, say, tell, usage
from ganforge.cli.submit import DryRun, Plot, Settings, Watch, parse_labels, parse_settings, submitted
from ganforge.client import Client
from models.states import TERMINAL

if TYPE_CHECKING:  # importing pydantic would make every command start later
    from models.views import Job

# The fields that `change` takes, as it tells of them.
FIELDS = {"starred": "star", "order": "position"}


def pause(
    job_id: JobId,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until the checkpoint is written.")] = True,
    as_json: AsJson = False,
) -> None:
    """Pause a job. A running job writes a checkpoint and frees its device."""
    with Client() as client:
        job = client.pause(resolve_id(client, job_id))
        while wait and job["pending_action"] == "pause" and job["state"] == "running":
            job = client.job(job["id"], wait=30)
    ended = job["state"] in TERMINAL
    if as_json or not ended:
        _show(job, as_json)
    if ended:
        complain(f"{job['id']} has already {job['state']}")
        raise typer.Exit(FAILED)


def resume(job_id: JobId, as_json: AsJson = False) -> None:
    """Resume a paused job from its checkpoint."""
    with Client() as client:
        _show(client.resume(resolve_id(client, job_id)), as_json)


def retry(
    job_id: JobId,
    settings: Settings = None,
    checkpoint: Annotated[
        str | None, typer.Option(help="Checkpoint to start from: latest, best or an id. Default: from scratch.")
    ] = None,
    watch: Watch = True,
    plot: Plot = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Retry an ended job as a new job, with other parameters if you like."""
    with Client() as client:
        ended = resolve_id(client, job_id)
        start = checkpoint_id(client, ended, checkpoint)
        job = client.retry(ended, params=parse_settings(settings or []), checkpoint=start, dry_run=dry_run)
        if dry_run:
            print_json(job)
            return
        submitted(client, job, watch, as_json, plot=plot)


def change(
    job_id: JobId,
    priority: Annotated[int | None, typer.Option(help="-100 to 100; higher runs first.")] = None,
    name: Annotated[str | None, typer.Option(help="New name; an empty one removes it.")] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="KEY=VALUE", help="Label, in place of all present ones (repeatable)."),
    ] = None,
    notes: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Notes in Markdown; empty ones remove them.")
    ] = None,
    project: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The job's project; an empty one removes it.", autocompletion=completion.projects
        ),
    ] = None,
    star: Annotated[bool | None, typer.Option("--star/--no-star", help="Star the job, or remove its star.")] = None,
    order: Annotated[
        str | None, typer.Option(metavar="PLACE", help="Move the job first or last among your waiting jobs.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Change a job's priority, name, labels (replaces all), notes, project, star or position in the queue."""
    changes: dict[str, Any] = {"priority": priority, "order": order, "starred": star}
    changes = {field: value for field, value in changes.items() if value is not None}
    # An empty text removes what is there.
    texts = {"name": name, "notes": notes, "project": project}
    changes |= {field: text or None for field, text in texts.items() if text is not None}
    if labels is not None:
        changes["labels"] = parse_labels(labels)
    if not changes:
        usage("nothing to change: pass --priority, --name, --label, --notes, --project, --star or --order")
    with Client() as client:
        job = client.update(resolve_id(client, job_id), **changes)
    changed = ", ".join(FIELDS.get(field, field) for field in changes)
    tell(as_json, job, f"{changed.capitalize()} updated: {job['id']}{_place(job)}")


def bulk(
    action: Annotated[
        str,
        typer.Argument(metavar="ACTION", help="cancel, pause, resume, retry, reprioritize, delete, restore or purge."),
    ],
    expected: Annotated[
        int,
        typer.Option("--expected", "-n", min=0, help="How many jobs you expect to match; otherwise nothing is done."),
    ],
    state: States = None,
    kind: Kinds = None,
    recipe: Recipes = None,
    queue: Queues = None,
    label: LabelFilter = None,
    query: Search = None,
    project: Projects = None,
    dataset: DatasetFilter = None,
    starred: Starred = False,
    parent: Annotated[
        list[str] | None, typer.Option(metavar="JOB", help="Filter by the job that was retried (repeatable).")
    ] = None,
    created_after: Annotated[
        str | None, typer.Option(help="Filter by creation time, such as 2026-01-31T12:00:00Z.")
    ] = None,
    created_before: Annotated[str | None, typer.Option(help="Filter by creation time.")] = None,
    priority: Annotated[int | None, typer.Option(help="New priority, for reprioritize.")] = None,
    as_json: AsJson = False,
) -> None:
    """Apply an action to all jobs that match the filters, as `ganforge jobs` lists them.

    delete moves ended jobs to the trash; restore and purge (delete for good) apply to jobs in the trash.
    """
    asked: dict[str, Any] = {"state": state, "kind": kind, "recipe": recipe, "queue": queue, "label": label}
    asked |= {
        "q": " ".join(query or []),
        "project": project,
        "starred": starred,
        "created_after": created_after,
        "created_before": created_before,
    }
    with Client() as client:
        asked["dataset"] = None if dataset is None else dataset_id(client, dataset)
        asked["parent"] = [resolve_id(client, one) for one in parent or []]
        filters = {name: value for name, value in asked.items() if value}
        result = client.bulk(action, filters, expected=expected, priority=priority)
    if as_json:
        print_json(result)
        return
    say(f"{result['changed']} of {result['matched']} jobs changed")
    for problem in result["problems"]:
        complain(f"{problem['job']}: {problem['detail']}")


def _show(job: Job, as_json: bool) -> None:
    wish = {"pause": ", and will be paused", "cancel": ", and will be canceled"}.get(job["pending_action"] or "", "")
    tell(as_json, job, f"{job['id']} is {job['state']}{_place(job)}{wish}")


def _place(job: Job) -> str:
    return f", number {job['position']} in {job['queue']}" if job["position"] else ""
