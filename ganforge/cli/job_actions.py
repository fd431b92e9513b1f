"""`ganforge pause`, `resume`, `retry`, `change` and `bulk`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganforge.cli.jobs import JobId, resolve
from ganforge.cli.output import FAILED, AsJson, complain, print_json, say, usage
from ganforge.cli.submit import Labels, Settings, Watch, parse_labels, parse_settings, submitted
from ganforge.client import Client
from models.states import TERMINAL

if TYPE_CHECKING:  # importing pydantic would make every command start later
    from models.views import Job


def pause(
    job_id: JobId,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until the checkpoint is written.")] = True,
    as_json: AsJson = False,
) -> None:
    """Pause a job; a running job writes a checkpoint and frees its device."""
    with Client() as client:
        job = client.pause(resolve(client, job_id)["id"])
        while wait and job["pending_action"] == "pause" and job["state"] == "running":
            job = client.job(job["id"], wait=30)
    _show(job, as_json)
    if job["state"] in TERMINAL:
        complain(f"{job['id']} had already {job['state']}")
        raise typer.Exit(FAILED)


def resume(job_id: JobId, as_json: AsJson = False) -> None:
    """Resume a paused job from its checkpoint."""
    with Client() as client:
        _show(client.resume(resolve(client, job_id)["id"]), as_json)


def retry(
    job_id: JobId,
    settings: Settings = None,
    checkpoint: Annotated[
        str | None, typer.Option(help="Checkpoint to start from: latest, best or an id; default: from scratch.")
    ] = None,
    watch: Watch = True,
    as_json: AsJson = False,
) -> None:
    """Retry an ended job as a new job, optionally with other parameters."""
    with Client() as client:
        ended = resolve(client, job_id)["id"]
        job = client.retry(ended, params=parse_settings(settings or []), checkpoint=checkpoint)
        submitted(client, job, watch, as_json)


def change(
    job_id: JobId,
    priority: Annotated[int | None, typer.Option(help="-100 to 100; higher runs first.")] = None,
    name: Annotated[str | None, typer.Option(help="The job's new name; an empty one removes it.")] = None,
    labels: Labels = None,
    notes: Annotated[str | None, typer.Option(help="Notes in Markdown; empty ones remove them.")] = None,
    project: Annotated[str | None, typer.Option(help="The project it belongs to; an empty one removes it.")] = None,
    star: Annotated[bool | None, typer.Option("--star/--no-star", help="Give it a star, or take it away.")] = None,
    order: Annotated[str | None, typer.Option(help="Move the job first or last among your waiting jobs.")] = None,
    as_json: AsJson = False,
) -> None:
    """Change a job's priority, name, labels (replaces all), notes, project, star, or position in the queue."""
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
        job = client.update(resolve(client, job_id)["id"], **changes)
    _show(job, as_json)


def bulk(
    action: Annotated[str, typer.Argument(help="cancel, pause, resume, retry, reprioritize, delete, restore, purge.")],
    expected: Annotated[int, typer.Option("--expected", "-n", min=0, help="The number of jobs that should match.")],
    state: Annotated[list[str] | None, typer.Option(help="Only these states; repeatable.")] = None,
    kind: Annotated[list[str] | None, typer.Option(help="Only train or sample jobs.")] = None,
    recipe: Annotated[list[str] | None, typer.Option(help="Only these recipes; repeatable.")] = None,
    queue: Annotated[list[str] | None, typer.Option(help="Only these queues; repeatable.")] = None,
    label: Annotated[list[str] | None, typer.Option(metavar="NAME=TEXT", help="Only jobs with this label.")] = None,
    query: Annotated[str | None, typer.Option("--query", "-q", metavar="SEARCH", help="A search, as of jobs.")] = None,
    project: Annotated[list[str] | None, typer.Option(help="Only these projects; repeatable.")] = None,
    parent: Annotated[list[str] | None, typer.Option(help="Only retries of these jobs; repeatable.")] = None,
    created_after: Annotated[
        str | None, typer.Option(help="Only jobs created after, such as 2026-01-31T12:00:00Z.")
    ] = None,
    created_before: Annotated[str | None, typer.Option(help="Only jobs created before.")] = None,
    priority: Annotated[int | None, typer.Option(help="The new priority, for reprioritize.")] = None,
    as_json: AsJson = False,
) -> None:
    """Apply one action to all jobs that match the filters, as `ganforge jobs` lists them.

    delete moves ended jobs to the trash; restore and purge (delete for good) are about the jobs there.
    """
    asked: dict[str, Any] = {"state": state, "kind": kind, "recipe": recipe, "queue": queue, "label": label}
    asked |= {
        "q": query,
        "project": project,
        "parent": parent,
        "created_after": created_after,
        "created_before": created_before,
    }
    filters = {name: value for name, value in asked.items() if value}
    with Client() as client:
        result = client.bulk(action, filters, expected=expected, priority=priority)
    if as_json:
        print_json(result)
        return
    say(f"{result['changed']} of {result['matched']} jobs changed")
    for problem in result["problems"]:
        complain(f"{problem['job']}: {problem['detail']}")


def _show(job: Job, as_json: bool) -> None:
    if as_json:
        print_json(job)
        return
    wish = {"pause": ", and will be paused", "cancel": ", and will be canceled"}.get(job["pending_action"] or "", "")
    place = f", number {job['position']} in {job['queue']}" if job["position"] else ""
    say(f"{job['id']} is {job['state']}{place}{wish}")
