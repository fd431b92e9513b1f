"""Webhooks: what is told where, and what became of each message."""

from __future__ import annotations

import json
from typing import Any

from api.dashboard.pages import Pages, TemplateResponse, Visit
from api.schemas.queries import PageQuery
from api.v1.webhooks import list_deliveries, list_webhooks, show_webhook
from models.webhooks import WebhookEvent, WebhookFormat

pages = Pages()

LIMIT = 50


@pages.add("/dashboard/webhooks", list_webhooks, query=PageQuery)
def webhooks(visit: Visit[PageQuery]) -> TemplateResponse:
    """Show the webhooks, newest first, and the form for a new one."""
    page = visit.ask(list_webhooks, visit.query.model_copy(update={"limit": LIMIT}))
    sends_mail = visit.service.settings.sends_mail
    formats = [one for one in WebhookFormat if one is not WebhookFormat.email or sends_mail]
    return TemplateResponse("webhooks.html", {"page": page, "events": list(WebhookEvent), "formats": formats})


@pages.add("/dashboard/webhooks/{webhook_id}", show_webhook, list_deliveries, query=PageQuery)
def webhook(visit: Visit[PageQuery], webhook_id: str) -> TemplateResponse:
    """Show a webhook and its messages, newest first, each with its tries."""
    shown = visit.ask(show_webhook, PageQuery(), webhook_id)
    page = visit.ask(list_deliveries, visit.query.model_copy(update={"limit": LIMIT}), webhook_id)
    bodies = {one["id"]: _indented(one["body"]) for one in page["data"]}
    return TemplateResponse("webhooks_one.html", {"webhook": shown, "page": page, "bodies": bodies})


def _indented(body: str) -> str:
    told: Any = json.loads(body)
    return json.dumps(told, ensure_ascii=False, indent=2)
