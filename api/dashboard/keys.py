"""The access keys, for admins."""

from __future__ import annotations

from api.dashboard.pages import Pages, TemplateResponse, Visit
from api.schemas.queries import PageQuery
from api.v1.keys import list_keys
from models.states import Role

pages = Pages()

LIMIT = 100


@pages.add("/dashboard/keys", list_keys, query=PageQuery)
def keys(visit: Visit[PageQuery]) -> TemplateResponse:
    """Show the valid keys, newest first."""
    page = visit.ask(list_keys, visit.query.model_copy(update={"limit": LIMIT}))
    return TemplateResponse("keys.html", {"page": page, "roles": list(Role), "mine": visit.who.key_id})
