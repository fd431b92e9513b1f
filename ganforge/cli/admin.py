"""`ganforge queues`, `workers` and `audit`."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganforge.cli import completion
from ganforge.cli.group import group
from ganforge.cli.ids import chosen_id
from ganforge.cli.output import MAX_ROWS, AsJson, ago, as_typed, print_items, print_table, tell
from ganforge.client import Client
from models.formats import duration

if TYPE_CHECKING:  # importing pydantic would make every command start later
    from models.views import Worker

QueueName = Annotated[
    str, typer.Argument(metavar="QUEUE", help="The queue: gpu, jetson or cpu.", autocompletion=completion.queues)
]
WorkerId = Annotated[
    str,
    typer.Argument(
        metavar="WORKER", help="A worker's id, its last digits, or its name.", autocompletion=completion.workers
    ),
]


def list_queues(as_json: AsJson = False) -> None:
    """List queues with waiting jobs, running jobs and workers."""
    with Client() as client:
        found = list(client.queues())
    if as_json:
        print_items(found)
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


def list_workers(as_json: AsJson = False) -> None:
    """List workers seen in the last 24 hours (admin)."""
    with Client() as client:
        found = list(client.workers())
    if as_json:
        print_items(found)
        return
    rows = ((w["id"], w["name"], w["queue"], w["host"], w["state"], w["job"], ago(w["last_seen"])) for w in found)
    print_table(("worker", "name", "queue", "host", "state", "job", "seen"), rows, "No workers.")


queues = group("List queues; pause and resume them (admin).", list_queues)
workers = group("List workers; drain and undrain them (admin).", list_workers)


@queues.command("pause")
def pause_queue(name: QueueName, as_json: AsJson = False) -> None:
    """Pause a queue: it starts no more jobs. Running jobs continue."""
    with Client() as client:
        queue = client.pause_queue(name)
    waits = f"{queue['running']} running jobs continue, {queue['depth']} wait"
    tell(as_json, queue, f"{queue['name']} is paused; {waits}")


@queues.command("resume")
def resume_queue(name: QueueName, as_json: AsJson = False) -> None:
    """Resume a paused queue."""
    with Client() as client:
        queue = client.resume_queue(name)
    tell(as_json, queue, f"{queue['name']} is open; {queue['depth']} jobs wait")


@workers.command("drain")
def drain(worker_id: WorkerId, as_json: AsJson = False) -> None:
    """Drain a worker: it finishes its job and takes no more."""
    with Client() as client:
        worker = client.drain(_worker(client, worker_id))
    busy = f"; it still runs {worker['job']}" if worker["job"] else ""
    tell(as_json, worker, f"{worker['id']} is {worker['state']}{busy}")


@workers.command("undrain")
def undrain(worker_id: WorkerId, as_json: AsJson = False) -> None:
    """Let a drained worker take jobs again."""
    with Client() as client:
        worker = client.undrain(_worker(client, worker_id))
    tell(as_json, worker, f"{worker['id']} is {worker['state']}")


def _worker(client: Client, given: str) -> str:
    """Return the id of the worker that is meant: among several of one name, the one that lives."""
    every: list[Worker] = list(client.workers())
    alive = [one for one in every if one["name"] == given and one["state"] in {"live", "draining"}]
    return chosen_id(alive if len(alive) == 1 else every, given, "worker", listed="ganforge workers")


def audit(
    action: Annotated[
        list[str] | None, typer.Option(metavar="ACTION", help="Filter by action, such as job.cancel (repeatable).")
    ] = None,
    subject: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Filter by the id that was changed (repeatable).")
    ] = None,
    owner: Annotated[str | None, typer.Option(help="Filter by who made the change.")] = None,
    limit: Annotated[int, typer.Option(metavar="ROWS", min=1, max=MAX_ROWS, help="Maximum number of rows.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List changes and who made them, newest first (admin)."""
    asked: dict[str, str | list[str] | None] = {"action": action, "subject": subject, "owner": owner}
    with Client() as client:
        found = list(islice(client.audit(**{name: value for name, value in asked.items() if value}), limit))
    if as_json:
        print_items(found)
        return
    rows = (
        (line["subject"], line["action"], line["owner"], ago(line["at"]), _words(line["before"]), _words(line["after"]))
        for line in found
    )
    print_table(("subject", "action", "owner", "when", "before", "after"), rows, "No changes.")


def _words(facts: dict[str, Any] | None) -> str:
    told = {name: value for name, value in (facts or {}).items() if value not in (None, {}, [])}
    return ", ".join(f"{name} {as_typed(value)}" for name, value in told.items())
