"""What a new key may have: whatever an admin says; of others no more than they have themselves."""

from __future__ import annotations

from dataclasses import dataclass

from api.http.problems import InvalidError, field
from api.schemas.bodies import NewKey
from models.messages import FieldFaults, RequestFaults, word
from models.states import Role
from stores.accounts.key_scope import limits, roles_up_to
from stores.accounts.keys import Principal
from stores.accounts.quotas import Quotas
from stores.infra.settings import Settings


@dataclass(frozen=True)
class Grant:
    """The owner, the role and the quotas of a new key."""

    owner: str
    role: Role
    quotas: Quotas


def grant(who: Principal, asked: NewKey, settings: Settings) -> Grant:
    """Return what the new key will have. Who is no admin hands on the own owner, role and limits, or less.

    Raises:
        InvalidError: the key would have more than its maker.
    """
    quotas = Quotas(**asked.quotas.model_dump())
    if who.role is Role.admin:
        return Grant(asked.owner or asked.name, asked.role, quotas)
    faults = []
    if asked.owner not in {None, who.owner}:
        faults.append(field("/owner", RequestFaults.key_of_others(owner=who.owner)))
    if asked.role not in roles_up_to(who.role):
        faults.append(field("/role", RequestFaults.key_role_beyond(role=word(who.role))))
    usual = Quotas(settings.quota_queued, settings.quota_running, settings.quota_stored_bytes)
    most = vars(limits(who.quotas, usual))
    for name, given in vars(quotas).items():
        if given is not None and given > most[name]:
            faults.append(field(f"/quotas/{name}", FieldFaults.at_most(le=most[name])))
    if faults:
        raise InvalidError(faults)
    return Grant(who.owner, asked.role, limits(quotas, who.quotas))
