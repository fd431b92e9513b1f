"""Access keys, for admins."""

from __future__ import annotations

from typing import Any

from api.http.access import Access
from api.http.cursors import created, pager_for, time_position
from api.http.routes import Call, Reply, Routes
from api.schemas import answers
from api.schemas.bodies import NewKey
from api.schemas.queries import PageQuery, Query
from models.ids import is_id
from models.messages import Missing
from stores.accounts.quotas import Quotas
from stores.infra.errors import NotFoundError

routes = Routes("keys")


@routes.add("GET", "/v1/keys", Access.admin, query=PageQuery, answers={200: answers.Page[answers.Key]})
def list_keys(call: Call[PageQuery, None]) -> dict[str, Any]:
    """List the valid keys, newest first."""
    pager = pager_for(call, "keys")
    return pager.page(call.service.stores.accounts.keys.page(pager.fetch, pager.after(time_position)), created)


@routes.add("POST", "/v1/keys", Access.admin, body=NewKey, answers={201: answers.FreshKey})
def create_key(call: Call[Query, NewKey]) -> Reply:
    """Create a key. The answer contains the secret, which is never shown again."""
    asked = call.body
    key, secret = call.service.stores.accounts.keys.create(
        asked.name,
        asked.owner or asked.name,
        asked.role,
        quotas=Quotas(**asked.quotas.model_dump()),
        who=call.who,
    )
    return Reply({**key, "key": secret}, 201)


@routes.add("DELETE", "/v1/keys/{key_id}", Access.admin, answers={204: None}, problems=("conflict",))
def revoke_key(call: Call[Query, None], key_id: str) -> Reply:
    """Revoke a key at once. 409 for the last admin's key."""
    if not is_id("key", key_id):
        raise NotFoundError(Missing.no_such_key())
    call.service.stores.accounts.keys.revoke(key_id, call.who)
    return Reply(None, 204)
