"""`ganforge queues`, `workers` and `audit`."""

from __future__ import annotations

import json
from itertools import islice
from typing import Annotated, Any

import typer

from ganforge.cli.output import MAX_ROWS, AsJson, ago, print_json, print_table, say
from ganforge.client import Client
from models.formats import duration

queues = typer.Typer(help="List queues; pause and resume them (admin).")
workers = typer.Typer(help="List, drain and undrain workers (admin).")

QueueName = Annotated[str, typer.Argument(metavar="QUEUE", help="gpu, jetson or cpu.")]
WorkerId = Annotated[str, typer.Argument(metavar="WORKER", help="The worker's id, from `ganforge workers list`.")]


@queues.command("list")
def list_queues(as_json: AsJson = False) -> None:
    """List the queues with their waiting jobs, running jobs and workers."""
    with Client() as client:
        found = list(client.queues())
    if as_json:
        print_json(found)
        return
    rows = (
        (
            queue["name"],
            "paused" if queue["paused"] else "open",
            queue["depth"],
            queue["running"],
            queue["workers"],
            None if queue["oldest_wait_s"] is None else duration(queue["oldest_wait_s"]),
        )
        for queue in found
    )
    print_table(("queue", "state", "waiting", "running", "workers", "longest wait"), rows, "No queues.")


@queues.command("pause")
def pause_queue(name: QueueName) -> None:
    """Pause a queue: it starts no job; running jobs continue."""
    with Client() as client:
        queue = client.pause_queue(name)
    say(f"{queue['name']} is paused; {queue['running']} running jobs continue, {queue['depth']} wait")


@queues.command("resume")
def resume_queue(name: QueueName) -> None:
    """Resume a queue."""
    with Client() as client:
        queue = client.resume_queue(name)
    say(f"{queue['name']} is open; {queue['depth']} jobs wait")


@workers.command("list")
def list_workers(as_json: AsJson = False) -> None:
    """List the workers of the last day."""
    with Client() as client:
        found = list(client.workers())
    if as_json:
        print_json(found)
        return
    rows = ((w["id"], w["name"], w["queue"], w["host"], w["state"], w["job"], ago(w["last_seen"])) for w in found)
    print_table(("worker", "name", "queue", "host", "state", "job", "seen"), rows, "No workers.")


@workers.command("drain")
def drain(worker_id: WorkerId) -> None:
    """Drain a worker: it finishes its job and claims no more."""
    with Client() as client:
        worker = client.drain(worker_id)
    busy = f"; it still runs {worker['job']}" if worker["job"] else ""
    say(f"{worker['id']} is {worker['state']}{busy}")


@workers.command("undrain")
def undrain(worker_id: WorkerId) -> None:
    """Let a drained worker claim jobs again."""
    with Client() as client:
        worker = client.undrain(worker_id)
    say(f"{worker['id']} is {worker['state']}")


def audit(
    action: Annotated[list[str] | None, typer.Option(help="Only this action, such as job.cancel; repeatable.")] = None,
    subject: Annotated[list[str] | None, typer.Option(help="Only changes to this id; repeatable.")] = None,
    owner: Annotated[str | None, typer.Option(help="Only changes by this owner.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=MAX_ROWS, help="Maximum number of rows.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List who changed what, newest first (admin)."""
    asked: dict[str, str | list[str] | None] = {"action": action, "subject": subject, "owner": owner}
    with Client() as client:
        found = list(islice(client.audit(**{name: value for name, value in asked.items() if value}), limit))
    if as_json:
        print_json(found)
        return
    rows = (
        (line["subject"], line["action"], line["owner"], ago(line["at"]), _words(line["before"]), _words(line["after"]))
        for line in found
    )
    print_table(("subject", "action", "owner", "when", "before", "after"), rows, "No changes.")


def _words(facts: dict[str, Any] | None) -> str:
    told = {name: value for name, value in (facts or {}).items() if value not in (None, {}, [])}
    return ", ".join(f"{name} {value if isinstance(value, str) else json.dumps(value)}" for name, value in told.items())
