"""`ganforge webhooks`."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganforge.cli import completion
from ganforge.cli.group import group
from ganforge.cli.ids import chosen_id
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
    usage,
)
from ganforge.client import Client

if TYPE_CHECKING:  # importing pydantic would make every command start later
    from models.views import Delivery, Webhook

EVENTS = (
    "job.succeeded, job.failed, job.canceled, job.paused, job.alert, job.stalled, evaluation.completed, worker.lost"
)
ENDS = ["job.succeeded", "job.failed"]
FILTERS = ("project", "label", "kind", "recipe", "queue", "dataset", "owner")
WebhookId = Annotated[
    str,
    typer.Argument(
        metavar="WEBHOOK", help="A webhook's id, its last digits, or its address.", autocompletion=completion.webhooks
    ),
]
Events = Annotated[
    list[str] | None,
    typer.Option("--event", metavar="EVENT", help=f"Event to send (repeatable): {EVENTS}. Default: the first two."),
]
Filters = Annotated[
    list[str] | None,
    typer.Option("--filter", metavar="NAME=VALUE", help=f"Filter the jobs by {', '.join(FILTERS)} (repeatable)."),
]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it was tried, 15 seconds at most.")]


def list_webhooks(as_json: AsJson = False) -> None:
    """List webhooks, without their secrets."""
    with Client() as client:
        found = list(client.webhooks())
    if as_json:
        print_items(found)
        return
    rows = ((one["id"], one["url"], one["format"], ", ".join(one["events"]), _jobs(one), _state(one)) for one in found)
    print_table(("webhook", "address", "format", "events", "jobs", "state"), rows, "No webhooks.")


app = group("List, create and delete webhooks, and see what they sent.", list_webhooks)


@app.command("create")
def create(
    url: Annotated[str, typer.Argument(metavar="ADDRESS", help="An https address; for e-mail mailto: and a mailbox.")],
    event: Events = None,
    chosen: Filters = None,
    format_: Annotated[str, typer.Option("--format", help="standard, slack or email.")] = "standard",
    as_json: AsJson = False,
) -> None:
    """Create a webhook. Prints its id and, on the next line, its secret, which is shown only once."""
    with Client() as client:
        made = client.create_webhook(url, event or ENDS, filters=_filters(chosen or []), format=format_)
    if as_json:
        print_json(made)
        return
    say(made["id"])
    say(made["secret"])


@app.command("change")
def change(
    webhook_id: WebhookId,
    url: Annotated[str | None, typer.Option(help="New address.")] = None,
    event: Events = None,
    chosen: Filters = None,
    as_json: AsJson = False,
) -> None:
    """Change a webhook's address, events (replaces all) or filter (replaces all)."""
    changes: dict[str, Any] = {"url": url, "events": event, "filter": _filters(chosen) if chosen else None}
    with Client() as client:
        changed = {name: new for name, new in changes.items() if new is not None}
        webhook = client.update_webhook(_webhook(client, webhook_id), **changed)
    tell(as_json, webhook, f"{webhook['id']}: {', '.join(webhook['events'])} to {webhook['url']}")


@app.command("rotate")
def rotate(webhook_id: WebhookId, as_json: AsJson = False) -> None:
    """Replace the secret. Prints the new one, which is shown only once; for 24 hours both sign."""
    with Client() as client:
        changed = client.rotate_webhook_secret(_webhook(client, webhook_id))
    tell(as_json, changed, changed["secret"])


@app.command("pause")
def pause(webhook_id: WebhookId, as_json: AsJson = False) -> None:
    """Pause a webhook: it sends nothing and collects nothing."""
    with Client() as client:
        webhook = client.update_webhook(_webhook(client, webhook_id), paused=True)
    tell(as_json, webhook, f"{webhook['id']} is paused")


@app.command("resume")
def resume(webhook_id: WebhookId, as_json: AsJson = False) -> None:
    """Resume a webhook and send what waited."""
    with Client() as client:
        webhook = client.update_webhook(_webhook(client, webhook_id), paused=False)
    tell(as_json, webhook, f"{webhook['id']} is active")


@app.command("delete")
def delete(webhook_id: WebhookId, as_json: AsJson = False) -> None:
    """Delete a webhook and the record of what it sent."""
    with Client() as client:
        chosen = _webhook(client, webhook_id)
        client.delete_webhook(chosen)
    tell(as_json, {"id": chosen, "deleted": True}, f"{chosen} is deleted")


@app.command("test")
def test(webhook_id: WebhookId, wait: Wait = True, as_json: AsJson = False) -> None:
    """Send a test message and print whether it arrived. Exit code 1 if it did not."""
    with Client() as client:
        _outcome(client, client.test_webhook(_webhook(client, webhook_id)), wait, as_json)


@app.command("deliveries")
def deliveries(
    webhook_id: WebhookId,
    limit: Annotated[int, typer.Option(metavar="ROWS", min=1, max=MAX_ROWS, help="Maximum number of rows.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List what a webhook sent in the last 30 days, newest first."""
    with Client() as client:
        found = list(islice(client.deliveries(_webhook(client, webhook_id)), limit))
    if as_json:
        print_items(found)
        return
    rows = (
        (one["id"], one["type"], one["job"], one["state"], len(one["attempts"]), ago(one["created_at"]), _said(one))
        for one in found
    )
    print_table(("delivery", "event", "job", "state", "tries", "when", "last answer"), rows, "No deliveries.")


@app.command("redeliver")
def redeliver(
    webhook_id: WebhookId,
    delivery_id: Annotated[
        str, typer.Argument(metavar="DELIVERY", help="An id from `ganforge webhooks deliveries`, or its last digits.")
    ],
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """Send a message again, with the same id, and print whether it arrived. Exit code 1 if it did not."""
    with Client() as client:
        webhook = _webhook(client, webhook_id)
        listed = f"ganforge webhooks deliveries {webhook}"
        chosen = chosen_id(client.deliveries(webhook), delivery_id, "delivery", listed=listed)
        _outcome(client, client.redeliver(webhook, chosen), wait, as_json)


def _outcome(client: Client, asked: Delivery, wait: bool, as_json: bool) -> None:
    """Print what came of a message that was just asked for.

    Raises:
        typer.Exit: it did not arrive.
    """
    if not wait:
        tell(as_json, asked, f"{asked['id']} is {asked['state']}")
        return
    delivery = client.tried(asked)
    arrived = delivery["state"] == "delivered"
    if as_json:
        print_json(delivery)
    elif arrived:
        say(f"{delivery['id']} arrived: {_said(delivery)}")
    elif delivery["attempts"] == asked["attempts"]:
        complain(f"{delivery['id']} was not tried yet; `ganforge webhooks deliveries {delivery['webhook']}` tells more")
    else:
        later = "; it is tried again, for a day" if delivery["state"] == "pending" else ""
        complain(f"{delivery['id']} did not arrive: {_said(delivery)}{later}")
    if not arrived:
        raise typer.Exit(FAILED)


def _webhook(client: Client, given: str) -> str:
    return chosen_id(client.webhooks(), given, "webhook", listed="ganforge webhooks", name="url")


def _filters(given: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in given:
        name, separator, value = one.partition("=")
        if not separator or name not in FILTERS:
            usage(f"--filter takes NAME=VALUE with a name of {', '.join(FILTERS)}; not {one}")
        found.setdefault(name, []).append(value)
    return found


def _jobs(webhook: Webhook) -> str:
    chosen = (f"{name}={value}" for name, values in webhook["filter"].items() for value in values)
    return " ".join(chosen) or "all"


def _state(webhook: Webhook) -> str:
    if webhook["paused"]:
        return f"paused ({webhook['paused_reason']})"
    return f"failing for {ago(webhook['failing_since']).removesuffix(' ago')}" if webhook["failing_since"] else "active"


def _said(delivery: Delivery) -> str | None:
    """Return what the last try said: the answer or the error, and how long it took."""
    if not delivery["attempts"]:
        return None
    last = delivery["attempts"][-1]
    told = last["error"] or (f"HTTP {last['status']}" if last["status"] else "sent")
    return f"{told} after {last['duration_ms']} ms"
