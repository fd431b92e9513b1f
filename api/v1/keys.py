"""Access keys: all of them for admins, their own for others."""

from __future__ import annotations

from typing import Any

from api.http.access import Access
from api.http.cursors import created, pager_for, time_position
from api.http.routes import Call, Reply, Routes
from api.schemas import answers
from api.schemas.bodies import NewKey
from api.schemas.queries import PageQuery, Query
from api.v1.new_keys import grant
from models.ids import is_id
from models.messages import Missing
from models.states import Role
from stores.infra.errors import NotFoundError

routes = Routes("keys")


@routes.add("GET", "/v1/keys", Access.read, query=PageQuery, answers={200: answers.Page[answers.Key]})
def list_keys(call: Call[PageQuery, None]) -> dict[str, Any]:
    """List the valid keys, newest first: an admin all, others those of their owner, of roles up to their own."""
    pager = pager_for(call, "keys")
    keys = call.service.stores.accounts.keys
    return pager.page(keys.page(call.who.keys, pager.fetch, pager.after(time_position)), created)


@routes.add("POST", "/v1/keys", Access.change, body=NewKey, answers={201: answers.FreshKey}, problems=("conflict",))
def create_key(call: Call[Query, NewKey]) -> Reply:
    """Create a key. The answer contains the secret, which is never shown again.

    Who is no admin makes keys of the own owner alone, with the own role, quotas and limits at most, and up to 100.
    """
    granted = grant(call.who, call.body, call.service.settings)
    key, secret = call.service.stores.accounts.keys.create(
        call.body.name,
        granted.owner,
        granted.role,
        quotas=granted.quotas,
        who=call.who,
        limited=call.who.role is not Role.admin,
    )
    return Reply({**key, "key": secret}, 201)


@routes.add("DELETE", "/v1/keys/{key_id}", Access.change, answers={204: None}, problems=("conflict",))
def revoke_key(call: Call[Query, None], key_id: str) -> Reply:
    """Revoke a key at once: an admin any, others their own. 409 for the last admin's key."""
    if not is_id("key", key_id):
        raise NotFoundError(Missing.no_such_key())
    call.service.stores.accounts.keys.revoke(key_id, call.who, call.who.keys)
    return Reply(None, 204)
