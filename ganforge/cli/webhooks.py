"""`ganforge webhooks`."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganforge.cli.output import MAX_ROWS, AsJson, ago, print_json, print_table, say, usage
from ganforge.client import Client

if TYPE_CHECKING:  # importing pydantic would make every command start later
    from models.views import Delivery, Webhook

app = typer.Typer(help="List, make and delete webhooks, and see what they sent.")

EVENTS = (
    "job.succeeded, job.failed, job.canceled, job.paused, job.alert, job.stalled, evaluation.completed, worker.lost"
)
ENDS = ["job.succeeded", "job.failed"]
FILTERS = ("label", "kind", "recipe", "queue", "dataset")
WebhookId = Annotated[str, typer.Argument(metavar="WEBHOOK", help="The webhook's id, from `ganforge webhooks list`.")]
Events = Annotated[
    list[str] | None, typer.Option("--event", help=f"What to tell; repeatable. Of {EVENTS}. Default: the first two.")
]
Filters = Annotated[
    list[str] | None,
    typer.Option("--filter", metavar="NAME=VALUE", help=f"Only of such jobs; repeatable. NAME: {', '.join(FILTERS)}."),
]


@app.command("list")
def list_webhooks(as_json: AsJson = False) -> None:
    """List the webhooks, without their secrets."""
    with Client() as client:
        found = list(client.webhooks())
    if as_json:
        print_json(found)
        return
    rows = ((one["id"], one["url"], one["format"], ", ".join(one["events"]), _state(one)) for one in found)
    print_table(("webhook", "address", "format", "events", "state"), rows, "No webhooks.")


@app.command("create")
def create(
    url: Annotated[str, typer.Argument(help="An https address; for e-mail mailto: and a mailbox.")],
    event: Events = None,
    chosen: Filters = None,
    format_: Annotated[str, typer.Option("--format", help="standard, slack or email.")] = "standard",
    as_json: AsJson = False,
) -> None:
    """Make a webhook. Prints its secret, which is shown only once, and its id on the line before."""
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
    url: Annotated[str | None, typer.Option(help="Another address.")] = None,
    event: Events = None,
    chosen: Filters = None,
) -> None:
    """Change the address, all events or the whole filter of a webhook."""
    changes: dict[str, Any] = {"url": url, "events": event, "filter": _filters(chosen) if chosen else None}
    with Client() as client:
        webhook = client.update_webhook(webhook_id, **{name: new for name, new in changes.items() if new is not None})
    say(f"{webhook['id']}: {', '.join(webhook['events'])} to {webhook['url']}")


@app.command("pause")
def pause(webhook_id: WebhookId) -> None:
    """Pause a webhook: it sends nothing and collects nothing."""
    with Client() as client:
        client.update_webhook(webhook_id, paused=True)
    say(f"{webhook_id} is paused")


@app.command("resume")
def resume(webhook_id: WebhookId) -> None:
    """Resume a webhook; what waited is sent."""
    with Client() as client:
        client.update_webhook(webhook_id, paused=False)
    say(f"{webhook_id} is active")


@app.command("delete")
def delete(webhook_id: WebhookId) -> None:
    """Delete a webhook with its deliveries."""
    with Client() as client:
        client.delete_webhook(webhook_id)
    say(f"{webhook_id} is deleted")


@app.command("test")
def test(webhook_id: WebhookId) -> None:
    """Send a test message; `ganforge webhooks deliveries` shows what came of it."""
    with Client() as client:
        delivery = client.test_webhook(webhook_id)
    say(delivery["id"])


@app.command("deliveries")
def deliveries(
    webhook_id: WebhookId,
    limit: Annotated[int, typer.Option(min=1, max=MAX_ROWS, help="Maximum number of rows.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List what a webhook sent in the last 30 days, newest first."""
    with Client() as client:
        found = list(islice(client.deliveries(webhook_id), limit))
    if as_json:
        print_json(found)
        return
    rows = (
        (one["id"], one["type"], one["job"], one["state"], len(one["attempts"]), ago(one["created_at"]), _said(one))
        for one in found
    )
    print_table(("delivery", "event", "job", "state", "tries", "when", "last answer"), rows, "No deliveries.")


@app.command("redeliver")
def redeliver(
    webhook_id: WebhookId,
    delivery_id: Annotated[str, typer.Argument(metavar="DELIVERY", help="From `ganforge webhooks deliveries`.")],
) -> None:
    """Send a message again, with the same id."""
    with Client() as client:
        delivery = client.redeliver(webhook_id, delivery_id)
    say(f"{delivery['id']} is {delivery['state']}")


def _filters(given: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in given:
        name, separator, value = one.partition("=")
        if not separator or name not in FILTERS:
            usage(f"--filter takes NAME=VALUE with a name of {', '.join(FILTERS)}; not {one}")
        found.setdefault(name, []).append(value)
    return found


def _state(webhook: Webhook) -> str:
    if webhook["paused"]:
        return f"paused ({webhook['paused_reason']})"
    return f"failing for {ago(webhook['failing_since']).removesuffix(' ago')}" if webhook["failing_since"] else "active"


def _said(delivery: Delivery) -> str | None:
    if not delivery["attempts"]:
        return None
    last = delivery["attempts"][-1]
    return last["error"] or str(last["status"] or "sent")
