"""The access keys: all of them for admins, their own for others."""

from __future__ import annotations

from api.dashboard.pages import Pages, TemplateResponse, Visit
from api.schemas.queries import PageQuery
from api.v1.keys import list_keys
from models.states import Role
from stores.accounts.key_scope import roles_up_to

pages = Pages()

LIMIT = 100


@pages.add("/dashboard/keys", list_keys, query=PageQuery)
def keys(visit: Visit[PageQuery]) -> TemplateResponse:
    """Show the valid keys, newest first."""
    page = visit.ask(list_keys, visit.query.model_copy(update={"limit": LIMIT}))
    who = visit.who
    facts = {"roles": roles_up_to(who.role), "of_all": who.role is Role.admin, "mine": who.key_id}
    return TemplateResponse("keys.html", {"page": page, **facts})
