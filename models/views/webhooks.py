"""Webhooks and what they sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from models.views.base import Moment, closed, view
from models.views.jobs import CodedText
from models.webhooks import DeliveryState, PauseReason, WebhookEvent, WebhookFormat


@closed
class Webhook(TypedDict):
    """A webhook without its secret."""

    id: str
    owner: str
    all_owners: Annotated[bool, Field(description="Made by an admin: it tells of the jobs of all owners.")]
    url: Annotated[str, Field(description="Viewers see only the host of a Slack address, which is a secret itself.")]
    events: list[WebhookEvent]
    filter: dict[str, list[str]]
    format: WebhookFormat
    paused: bool
    paused_reason: PauseReason | None
    paused_at: Moment | None
    failing_since: Annotated[Moment | None, Field(description="The first failure since a message last arrived.")]
    old_secrets_until: Annotated[
        Moment | None, Field(description="Until then messages are signed with replaced secrets, too.")
    ]
    created_at: Moment


@closed
class FreshWebhook(Webhook):
    """A webhook just made."""

    secret: Annotated[str, Field(description="What its messages are signed with, shown this once.")]


@closed
class ChangedWebhook(Webhook):
    """A webhook after a change."""

    secret: NotRequired[Annotated[str, Field(description="The new secret, shown this once, if it was replaced.")]]


@closed
class DeliveryAttempt(TypedDict):
    """One try to send a message."""

    number: int
    at: Moment
    status: Annotated[int | None, Field(description="HTTP status; null if nothing was answered.")]
    duration_ms: int
    answer: Annotated[str | None, Field(description="The first 1 kB of the answer.")]
    error: Annotated[str | None, Field(description="Why it failed; null if it arrived.")]
    error_text: Annotated[CodedText | None, Field(description="The same by code and parameters.")]


@closed
class Delivery(TypedDict):
    """A message of a webhook, and every try to send it."""

    id: str
    webhook: str
    message: Annotated[str, Field(description="The header `webhook-id`, the same at every try.")]
    type: Annotated[str, Field(description="An event, or `webhook.test`.")]
    job: str | None
    state: DeliveryState
    created_at: Moment
    next_at: Annotated[Moment | None, Field(description="The next try, while it is pending.")]
    done_at: Moment | None
    body: Annotated[str, Field(description="The JSON that is sent.")]
    attempts: Annotated[list[DeliveryAttempt], Field(description="The last 20 tries, oldest first.")]


def webhook_view(row: Mapping[Any, Any], *, url: str | None = None) -> Webhook:
    """Return a webhook without its secret; `url` is shown instead of its own."""
    return view(Webhook, row, paused=row["paused_at"] is not None, url=url or row["url"])


def delivery_view(row: Mapping[Any, Any], tries: Sequence[Mapping[Any, Any]]) -> Delivery:
    """Return a message with its tries."""
    pending = row["state"] == DeliveryState.pending
    return view(
        Delivery,
        {**row, "next_at": row["next_at"] if pending else None},
        webhook=row["webhook_id"],
        message=row["message_id"],
        job=row["job_id"],
        attempts=[view(DeliveryAttempt, one) for one in tries],
    )
