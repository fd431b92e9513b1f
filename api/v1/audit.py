"""The audit log, for admins."""

from __future__ import annotations

from typing import Any

from api.http.access import Access
from api.http.cursors import number_position, pager_for
from api.http.routes import Call, Routes
from api.schemas import answers
from api.schemas.queries import AuditQuery

routes = Routes("audit")


@routes.add("GET", "/v1/audit", Access.admin, query=AuditQuery, answers={200: answers.Page[answers.AuditEntry]})
def list_audit(call: Call[AuditQuery, None]) -> dict[str, Any]:
    """List the changes, newest first: who, what, before and after."""
    query = call.query
    pager = pager_for(call, "audit")
    rows = call.service.stores.accounts.audit.page(
        pager.fetch, pager.after(number_position), actions=query.action, subjects=query.subject, owner=query.owner
    )
    return pager.page(rows, lambda row: row["id"])
