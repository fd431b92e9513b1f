"""What a key may do to keys: an admin everything; others see, make and revoke those of their own owner and role."""

from __future__ import annotations

from dataclasses import dataclass

from models.states import Role
from stores.accounts.quotas import Quotas

# Each role may hand on itself and those before it.
ORDER = (Role.viewer, Role.user, Role.admin)


def roles_up_to(role: Role) -> tuple[Role, ...]:
    """Return the roles that the holder of a role may hand on, the least first."""
    return ORDER[: ORDER.index(role) + 1]


@dataclass(frozen=True)
class KeyScope:
    """Which keys somebody sees and may revoke: those of an owner, of some roles. `owner` None: of everybody."""

    owner: str | None
    roles: tuple[Role, ...]


EVERY_KEY = KeyScope(None, ORDER)


def scope(owner: str, role: Role) -> KeyScope:
    """Return the keys that the holder of a key of this owner and role may see and revoke."""
    return KeyScope(None if role is Role.admin else owner, roles_up_to(role))


def limits(own: Quotas, usual: Quotas) -> Quotas:
    """Return the limits of a key with quotas `own`, where the settings say what is `usual`."""
    pairs = {name: (vars(own)[name], vars(usual)[name]) for name in vars(usual)}
    return Quotas(**{name: given if given is not None else default for name, (given, default) in pairs.items()})
