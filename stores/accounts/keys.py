"""Access keys: random, shown once, stored as a hash."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    bindparam,
    func,
    insert,
    literal,
    select,
    tuple_,
    update,
)

from models import views
from models.access_keys import KEY_PREFIX
from models.ids import new_id
from models.messages import Conflicts, Missing
from models.rows import Key
from models.states import Role
from models.views import key_view
from stores.accounts.audit import Actor, Entry, Local, record
from stores.accounts.key_scope import EVERY_KEY, KeyScope, scope
from stores.accounts.quotas import LOCK_QUOTA, Quotas
from stores.infra.errors import ConflictError, NotFoundError

NO_QUOTAS = Quotas()
# What an owner may have without an admin's help: nobody needs more, and a stolen key makes no more.
MOST_KEYS = 100

WHO_COLUMNS = (Key.id, Key.owner, Key.role, Key.quota_queued, Key.quota_running, Key.quota_stored_bytes)
# Built once, because every request executes it.
WHO = select(*WHO_COLUMNS).where(Key.hash == bindparam("hash"), Key.revoked_at.is_(None))


@dataclass(frozen=True)
class Principal:
    """The caller of a request."""

    key_id: str
    owner: str
    role: Role
    quotas: Quotas = NO_QUOTAS
    session: bytes | None = None  # hash of the session, if the request came with a session instead of the key

    @property
    def reads(self) -> str | None:
        """The owner whose things this caller sees; None: all owners."""
        return None if self.role is Role.admin else self.owner

    @property
    def keys(self) -> KeyScope:
        """Which keys this caller may see and revoke."""
        return scope(self.owner, self.role)


def principal(row: Row[*tuple[Any, ...]]) -> Principal:
    """Return the caller described by a row with `WHO_COLUMNS`."""
    quotas = Quotas(row.quota_queued, row.quota_running, row.quota_stored_bytes)
    return Principal(row.id, row.owner, Role(row.role), quotas)


def hash_secret(secret: str) -> bytes:
    """Return the stored hash of a secret. Secrets have 256 random bits, so a plain SHA-256 cannot be inverted."""
    return hashlib.sha256(secret.encode()).digest()


def new_secret() -> str:
    """Return a fresh secret: 256 random bits."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


class Keys:
    """Makes, checks and revokes keys."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.execution_options(isolation_level="AUTOCOMMIT")

    def authenticate(self, secret: str) -> Principal | None:
        """Return the key's holder, None if the key is unknown or revoked."""
        with self._reader.connect() as connection:
            row = connection.execute(WHO, {"hash": hash_secret(secret)}).first()
        return None if row is None else principal(row)

    def known(self, secret: str) -> bool:
        """Return whether such a key exists or existed, revoked keys included."""
        with self._reader.connect() as connection:
            return connection.scalar(select(Key.id).where(Key.hash == hash_secret(secret))) is not None

    def in_force(self, key_ids: Collection[str]) -> set[str]:
        """Return those of the keys that are not revoked."""
        if not key_ids:
            return set()
        with self._reader.connect() as connection:
            return set(connection.scalars(select(Key.id).where(Key.id.in_(key_ids), Key.revoked_at.is_(None))))

    def count_admins(self) -> int:
        """Return how many admin keys are in force."""
        query = select(func.count()).where(Key.role == Role.admin, Key.revoked_at.is_(None))
        with self._reader.connect() as connection:
            return connection.scalar(query) or 0

    def create(
        self,
        name: str,
        owner: str,
        role: Role,
        secret: str | None = None,
        *,
        quotas: Quotas = NO_QUOTAS,
        who: Actor | None = None,
        limited: bool = False,
    ) -> tuple[views.Key, str]:
        """Create a key. Returns it and its secret, which cannot be retrieved later. `who` None: this host itself.

        `limited`: the owner may have `MOST_KEYS` of them.

        Raises:
            NotFoundError: the key of `who` was revoked a moment ago.
            ConflictError: the owner has as many keys as it may.
        """
        secret = secret or new_secret()
        limits = {f"quota_{name}": limit for name, limit in vars(quotas).items()}
        with self._engine.begin() as connection:
            if who is not None and who.key_id is not None:
                _hold(connection, who.key_id)
            if limited:
                _check_count(connection, owner)
            row = (
                connection.execute(
                    insert(Key)
                    .values(id=new_id("key"), name=name, owner=owner, role=role, hash=hash_secret(secret), **limits)
                    .returning(*Key.__table__.columns)
                )
                .mappings()
                .one()
            )
            view = key_view(row)
            facts = {"name": view["name"], "owner": view["owner"], "role": view["role"], "quotas": view["quotas"]}
            record(connection, who or Local(owner), Entry("key.create", view["id"], None, facts))
        return view, secret

    def page(self, seen: KeyScope, limit: int, before: tuple[datetime, str] | None) -> list[views.Key]:
        """Return up to `limit` keys that are in force and seen, newest first."""
        query = select(*Key.__table__.columns).where(Key.revoked_at.is_(None), *_within(seen))
        if before is not None:
            query = query.where(tuple_(Key.created_at, Key.id) < tuple_(literal(before[0]), literal(before[1])))
        with self._reader.connect() as connection:
            rows = connection.execute(query.order_by(Key.created_at.desc(), Key.id.desc()).limit(limit)).mappings()
            return [key_view(row) for row in rows]

    def revoke(self, key_id: str, who: Actor, seen: KeyScope = EVERY_KEY) -> None:
        """Revoke a key at once.

        Raises:
            NotFoundError: no such key in force, or none that is seen.
            ConflictError: it is the last admin key; without one nobody could make another.
        """
        in_force = Key.revoked_at.is_(None)
        with self._engine.begin() as connection:
            # Two requests that revoke the last two admin keys at once must see each other.
            admins = connection.scalars(
                select(Key.id).where(Key.role == Role.admin, in_force).order_by(Key.id).with_for_update()
            ).all()
            if list(admins) == [key_id] and Role.admin in seen.roles:
                raise ConflictError(Conflicts.last_admin_key())
            done = connection.execute(
                update(Key)
                .where(Key.id == key_id, in_force, *_within(seen))
                .values(revoked_at=func.now())
                .returning(*Key.__table__.c)
            ).first()
            if done is None:
                raise NotFoundError(Missing.no_key(key=key_id))
            facts = {"name": done.name, "owner": done.owner, "role": done.role}
            record(connection, who, Entry("key.revoke", key_id, facts, None))


def _within(seen: KeyScope) -> list[ColumnElement[bool]]:
    of_owner = [] if seen.owner is None else [Key.owner == seen.owner]
    return [*of_owner, Key.role.in_(seen.roles)]


def _hold(connection: Connection, key_id: str) -> None:
    """Keep a key from being revoked until the transaction ends: a revoked key must leave no new one behind."""
    held = connection.scalar(
        select(Key.id).where(Key.id == key_id, Key.revoked_at.is_(None)).with_for_update(read=True)
    )
    if held is None:
        raise NotFoundError(Missing.no_key(key=key_id))


def _check_count(connection: Connection, owner: str) -> None:
    connection.execute(LOCK_QUOTA, {"owner": owner})  # two requests cannot both take the last place
    count = connection.scalar(select(func.count()).where(Key.owner == owner, Key.revoked_at.is_(None))) or 0
    if count >= MOST_KEYS:
        raise ConflictError(Conflicts.too_many_keys(limit=MOST_KEYS))
