"""Webhooks: where a service tells what happened."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from ganforge.session import Session
from ganforge.transport import path_segment

if TYPE_CHECKING:  # importing pydantic would make every command start later
    from models.views import ChangedWebhook, Delivery, FreshWebhook, Webhook


# Receivers have ten seconds to answer.
TRIED_WITHIN_S = 15.0
LOOK_EVERY_S = 0.25


class Teller(Session):
    """Looks after webhooks."""

    def webhooks(self) -> Iterator[Webhook]:
        """Yield the webhooks, newest first, without their secrets."""
        return cast("Iterator[Webhook]", self._list("/v1/webhooks"))

    def webhook(self, webhook_id: str) -> Webhook:
        """Return one webhook."""
        return cast("Webhook", self._get(_path(webhook_id)))

    def create_webhook(
        self,
        url: str,
        events: Sequence[str],
        *,
        filters: Mapping[str, str | Sequence[str]] | None = None,
        format: str = "standard",  # noqa: A002 - the name of the field
    ) -> FreshWebhook:
        """Make a webhook; its secret is in this answer and nowhere else.

        `filters`: project, label, kind, recipe, queue, dataset and owner, as for `jobs`.
        `format`: standard, slack or email.
        """
        body = {"url": url, "events": list(events), "filter": dict(filters or {}), "format": format}
        return cast("FreshWebhook", self._transport.ask("POST", "/v1/webhooks", json=body))

    def update_webhook(self, webhook_id: str, **changes: Any) -> Webhook:
        """Change a webhook's `url`, `events` or `filter`, or whether it is `paused`."""
        return cast("Webhook", self._transport.ask("PATCH", _path(webhook_id), json=changes))

    def rotate_webhook_secret(self, webhook_id: str) -> ChangedWebhook:
        """Replace a webhook's secret; the new one is in this answer and nowhere else. Both sign for 24 hours."""
        return cast("ChangedWebhook", self.update_webhook(webhook_id, rotate_secret=True))

    def delete_webhook(self, webhook_id: str) -> None:
        """Delete a webhook with its deliveries; what waits is not sent any more."""
        self._transport.send("DELETE", _path(webhook_id))

    def test_webhook(self, webhook_id: str) -> Delivery:
        """Let a test message be sent; `tried` returns what came of it."""
        return cast("Delivery", self._post(f"{_path(webhook_id)}/test"))

    def tried(self, delivery: Delivery, *, patience: float = TRIED_WITHIN_S) -> Delivery:
        """Return a message after its next try, or as it is after `patience` seconds."""
        before, deadline = _tries(delivery), time.monotonic() + patience
        while True:
            every = self.deliveries(delivery["webhook"])
            now = next((one for one in every if one["id"] == delivery["id"]), delivery)
            if _tries(now) > before or time.monotonic() > deadline:
                return now
            time.sleep(LOOK_EVERY_S)

    def deliveries(self, webhook_id: str) -> Iterator[Delivery]:
        """Yield the messages of a webhook of the last 30 days, newest first."""
        return cast("Iterator[Delivery]", self._list(f"{_path(webhook_id)}/deliveries"))

    def redeliver(self, webhook_id: str, delivery_id: str) -> Delivery:
        """Let a message be sent again, with the same id and body."""
        path = f"{_path(webhook_id)}/deliveries/{path_segment(delivery_id)}/redeliver"
        return cast("Delivery", self._post(path))


def _tries(delivery: Delivery) -> int:
    return delivery["attempts"][-1]["number"] if delivery["attempts"] else 0


def _path(webhook_id: str) -> str:
    return f"/v1/webhooks/{path_segment(webhook_id)}"
