"""Webhooks: where this service tells what happened. It stores messages here; the sweeper sends them."""

from __future__ import annotations

from typing import Any

from api.http.access import Access
from api.http.cursors import created, number_position, pager_for, time_position
from api.http.problems import InvalidError, field
from api.http.routes import Call, Reply, Routes
from api.schemas import answers
from api.schemas.bodies import NoBody
from api.schemas.queries import PageQuery, Query
from api.schemas.webhooks import NewWebhook, WebhookChanges
from models.ids import is_id
from models.messages import WebhookFaults
from models.webhooks import WebhookFormat
from stores.infra.errors import NotFoundError
from stores.webhooks.addresses import refusal

routes = Routes("webhooks")

SEND: dict[str, Any] = {"body": NoBody, "body_optional": True, "problems": ("conflict",)}


@routes.add("GET", "/v1/webhooks", Access.read, query=PageQuery, answers={200: answers.Page[answers.Webhook]})
def list_webhooks(call: Call[PageQuery, None]) -> dict[str, Any]:
    """List the webhooks, newest first."""
    pager = pager_for(call, "webhooks")
    return pager.page(call.service.stores.webhooks.page(call.who, pager.fetch, pager.after(time_position)), created)


@routes.add(
    "POST",
    "/v1/webhooks",
    Access.change,
    body=NewWebhook,
    answers={201: answers.FreshWebhook},
    answer_headers={201: {"Location": "The new webhook."}},
    problems=("conflict",),
)
def create_webhook(call: Call[Query, NewWebhook]) -> Reply:
    """Create a webhook. The answer contains the secret, which is never shown again.

    An admin's webhook tells of the jobs of all owners, any other of those of its own. 409: the owner has 20 already.
    """
    asked = call.body
    _check(call, asked.url, asked.format)
    made, secret = call.service.stores.webhooks.create(
        asked.url, asked.events, asked.filter.given(), asked.format, call.who
    )
    return Reply({**made, "secret": secret}, 201, {"Location": f"/v1/webhooks/{made['id']}"})


@routes.add("GET", "/v1/webhooks/{webhook_id}", Access.read, answers={200: answers.Webhook})
def show_webhook(call: Call[Query, None], webhook_id: str) -> answers.Webhook:
    """Get a webhook, without its secret."""
    return call.service.stores.webhooks.get(_webhook(webhook_id), call.who)


@routes.add(
    "PATCH",
    "/v1/webhooks/{webhook_id}",
    Access.change,
    body=WebhookChanges,
    answers={200: answers.ChangedWebhook},
    problems=("conflict",),
)
def change_webhook(call: Call[Query, WebhookChanges], webhook_id: str) -> answers.Webhook | dict[str, Any]:
    """Change a webhook. `paused: false` also resumes one that was paused because nothing arrived for a day.

    `rotate_secret` replaces the secret. 409: that was done four times within a day.
    """
    webhooks, asked = call.service.stores.webhooks, call.body
    given = asked.model_dump(mode="json", exclude_unset=True, exclude={"rotate_secret"})
    if "filter" in given:
        given["filter"] = asked.filter.given()
    present = webhooks.get(_webhook(webhook_id), call.who)
    if "url" in given:
        _check(call, asked.url, present["format"])
    if not asked.rotate_secret:
        return webhooks.change(webhook_id, given, call.who)
    if present["format"] == WebhookFormat.email:
        raise InvalidError([field("/rotate_secret", WebhookFaults.mail_unsigned())])
    secret = webhooks.rotate(webhook_id, call.who)
    return {**webhooks.change(webhook_id, given, call.who), "secret": secret}


@routes.add("DELETE", "/v1/webhooks/{webhook_id}", Access.change, answers={204: None})
def delete_webhook(call: Call[Query, None], webhook_id: str) -> Reply:
    """Delete a webhook with its deliveries. What waits is not sent any more."""
    call.service.stores.webhooks.delete(_webhook(webhook_id), call.who)
    return Reply(None, 204)


@routes.add("POST", "/v1/webhooks/{webhook_id}/test", Access.change, answers={202: answers.Delivery}, **SEND)
def test_webhook(call: Call[Query, NoBody], webhook_id: str) -> Reply:
    """Send a test message of the type `webhook.test`; its delivery shows the result. 409: the webhook is paused."""
    return Reply(call.service.stores.webhooks.deliveries.test(_webhook(webhook_id), call.who), 202)


@routes.add(
    "GET",
    "/v1/webhooks/{webhook_id}/deliveries",
    Access.read,
    query=PageQuery,
    answers={200: answers.Page[answers.Delivery]},
)
def list_deliveries(call: Call[PageQuery, None], webhook_id: str) -> dict[str, Any]:
    """List the messages of a webhook of the last 30 days, newest first, each with its attempts."""
    pager = pager_for(call, f"deliveries {webhook_id}")
    deliveries = call.service.stores.webhooks.deliveries
    rows = deliveries.page(_webhook(webhook_id), call.who, pager.fetch, pager.after(number_position))
    numbers = {delivery["id"]: number for number, delivery in rows}
    return pager.page([delivery for _, delivery in rows], lambda delivery: numbers[delivery["id"]])


@routes.add(
    "POST",
    "/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver",
    Access.change,
    answers={202: answers.Delivery},
    **SEND,
)
def redeliver(call: Call[Query, NoBody], webhook_id: str, delivery_id: str) -> Reply:
    """Send a message again, with the same `webhook-id` and body. 409: the webhook is paused."""
    if not is_id("dlv", delivery_id):
        raise NotFoundError(WebhookFaults.no_delivery())
    return Reply(call.service.stores.webhooks.deliveries.redeliver(_webhook(webhook_id), delivery_id, call.who), 202)


def _webhook(webhook_id: str) -> str:
    if not is_id("whk", webhook_id):
        raise NotFoundError(WebhookFaults.no_webhook())
    return webhook_id


def _check(call: Call[Query, Any], url: str, format_: WebhookFormat) -> None:
    """Refuse an address to which nothing may be sent.

    Raises:
        InvalidError
    """
    settings = call.service.settings
    if format_ == WebhookFormat.email and not settings.sends_mail:
        raise InvalidError([field("/format", WebhookFaults.no_mail_server())])
    found = refusal(url, format_, private=settings.webhook_private, domains=settings.mail_domains)
    if found is not None:
        raise InvalidError([field("/url", found)])
