"""Webhooks: what is told where, and what became of each message."""

from __future__ import annotations

import json
from typing import Any

from api.dashboard.pages import Pages, TemplateResponse, Visit
from api.schemas.queries import PageQuery
from api.v1.webhooks import list_deliveries, list_webhooks, show_webhook
from models.recipes import RECIPES
from models.states import DeviceClass, JobKind
from models.webhooks import WebhookEvent, WebhookFormat

pages = Pages()

LIMIT = 50
# Names of projects and data sets that the form suggests.
MOST_NAMES = 100


@pages.add("/dashboard/webhooks", list_webhooks, query=PageQuery)
def webhooks(visit: Visit[PageQuery]) -> TemplateResponse:
    """Show the webhooks, newest first, and the form for a new one."""
    page = visit.ask(list_webhooks, visit.query.model_copy(update={"limit": LIMIT}))
    sends_mail = visit.service.settings.sends_mail
    formats = [one for one in WebhookFormat if one is not WebhookFormat.email or sends_mail]
    reads, stores = visit.who.reads, visit.service.stores
    choices = {
        "events": list(WebhookEvent),
        "formats": formats,
        "kinds": list(JobKind),
        "queues": list(DeviceClass),
        "recipes": sorted(RECIPES),
        "datasets": stores.datasets.names(reads)[:MOST_NAMES],
        "projects": stores.queries.job_list.projects(reads, MOST_NAMES),
    }
    return TemplateResponse("webhooks.html", {"page": page, **choices})


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
