"""The audit log, for admins: who changed what, with the values before and after."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from pydantic import model_validator

from api.dashboard.pages import Pages, TemplateResponse, Visit
from api.schemas.queries import AuditQuery
from api.v1.audit import list_audit

pages = Pages()

LIMIT = 50
# All audited actions (stores/accounts/audit.py), the most common first.
ACTIONS = (
    *("job.create", "job.cancel", "job.pause", "job.stop", "job.go_back", "job.resume", "job.retry", "job.change"),
    *("job.share", "job.unshare"),
    *("job.bulk", "job.delete", "job.restore", "job.purge", "artifact.delete"),
    *("retention.set", "retention.delete", "job.thin"),
    *("queue.pause", "queue.resume", "worker.drain", "worker.undrain"),
    *("dataset.upload", "dataset.delete", "key.create", "key.revoke", "view.create", "view.delete"),
    *("webhook.create", "webhook.change", "webhook.rotate", "webhook.delete", "webhook.test", "webhook.redeliver"),
)


class Filters(AuditQuery):
    """The filters as a form sends them; empty fields are dropped."""

    @model_validator(mode="before")
    @classmethod
    def _without_the_empty(cls, values: Any) -> Any:
        kept = {name: [one for one in value if one] if isinstance(value, list) else value.strip() or None
                for name, value in values.items()}  # fmt: skip
        return {name: value for name, value in kept.items() if value}


@pages.add("/dashboard/audit", list_audit, query=Filters)
def audit(visit: Visit[Filters]) -> TemplateResponse:
    """Show the entries that match the filters in the address, newest first."""
    asked = AuditQuery(**{**visit.query.model_dump(), "limit": LIMIT})
    page = visit.ask(list_audit, asked)
    filters = {name: value for name in ("action", "subject", "owner") if (value := getattr(asked, name))}
    following = {**filters, "cursor": page["next_cursor"]} if page["next_cursor"] else None
    lines = [{**line, "changes": list(changes(line["before"], line["after"]))} for line in page["data"]]
    return TemplateResponse(
        "audit.html",
        {
            "lines": lines,
            "actions": ACTIONS,
            "asked": asked,
            "filters": filters,
            "newest": f"?{urlencode(filters, doseq=True)}" if asked.cursor else None,
            "older": f"?{urlencode(following, doseq=True)}" if following else None,
        },
    )


def changes(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Iterator[dict[str, Any]]:
    """Yield each changed field: its name, and its values `was` and `now` (None: no value)."""
    old, new = dict(_facts(before or {})), dict(_facts(after or {}))
    for name in sorted(old.keys() | new.keys()):
        was, now = old.get(name), new.get(name)
        if was != now or before is None or after is None:
            yield {"name": name, "was": was, "now": now}


def _facts(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield nested fields under dotted names, with values as JSON but strings without quotes. Nulls are left out."""
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _facts(value, f"{prefix}{name}.")
        elif value is not None and value != {}:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield f"{prefix}{name}", text
