"""Sessions of the dashboard: who signed in with which key, until when. A revoked key ends its sessions at once."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Engine, bindparam, delete, func, insert, select, update

from models.rows import Key
from models.rows import Session as SessionRow
from stores.accounts.keys import WHO_COLUMNS, Principal, hash_secret, principal
from stores.infra.sql import seconds

BATCH = 1000

# Built once, because every request of the dashboard executes it.
WHO = (
    select(*WHO_COLUMNS, Key.name, SessionRow.expires_at, (SessionRow.expires_at - func.now()).label("left"))
    .join(Key, Key.id == SessionRow.key_id)
    .where(SessionRow.hash == bindparam("hash"), SessionRow.expires_at > func.now(), Key.revoked_at.is_(None))
)


class Session:
    """A signed-in person."""

    def __init__(self, token: str, who: Principal, key_name: str, expires_at: datetime) -> None:
        self.who = who
        self.key_name = key_name
        self.expires_at = expires_at
        # Only our pages can know it: it is derived from the token, which scripts cannot read.
        self.csrf = hmac.new(token.encode(), b"csrf", hashlib.sha256).hexdigest()

    def sent_by_a_page(self, csrf: str) -> bool:
        """Return whether this is the token that our pages carry."""
        return hmac.compare_digest(self.csrf.encode(), csrf.encode())


class Sessions:
    """Opens, finds and ends sessions. Only the hash of a token is kept."""

    def __init__(self, engine: Engine, lasts_s: float, max_s: float) -> None:
        """Use sessions that end after `lasts_s` seconds without use, and after `max_s` in any case."""
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._lasts_s = min(lasts_s, max_s)
        self._young = SessionRow.created_at > func.now() - seconds(max_s)
        self._who = WHO.where(self._young)
        self._longest = SessionRow.created_at + seconds(max_s)

    def open(self, who: Principal) -> str:
        """Start a session with this key. Returns its token, which cannot be retrieved later."""
        token = secrets.token_urlsafe(32)
        ends = func.now() + seconds(self._lasts_s)
        with self._engine.connect() as connection:
            connection.execute(insert(SessionRow).values(hash=hash_secret(token), key_id=who.key_id, expires_at=ends))
        return token

    def find(self, token: str) -> Session | None:
        """Return the session of a token, None if it has ended. Each use extends the session, up to its longest time."""
        own = hash_secret(token)
        with self._engine.connect() as connection:
            row = connection.execute(self._who, {"hash": own}).first()
            if row is None:
                return None
            if row.left.total_seconds() < self._lasts_s / 2:
                ends = func.least(func.now() + seconds(self._lasts_s), self._longest)
                mine = update(SessionRow).where(SessionRow.hash == own)
                connection.execute(mine.values(expires_at=ends))
        return Session(token, replace(principal(row), session=own), row.name, row.expires_at)

    def in_force(self, hashes: Collection[bytes]) -> set[bytes]:
        """Return the hashes of the sessions that have not ended."""
        if not hashes:
            return set()
        query = select(SessionRow.hash).where(
            SessionRow.hash.in_(hashes), SessionRow.expires_at > func.now(), self._young
        )
        with self._engine.connect() as connection:
            return set(connection.scalars(query))

    def end(self, token: str) -> None:
        """End a session at once."""
        with self._engine.connect() as connection:
            connection.execute(delete(SessionRow).where(SessionRow.hash == hash_secret(token)))

    def forget_ended(self) -> int:
        """Delete ended sessions, a few hundred at a time; return how many."""
        over = select(SessionRow.hash).where(SessionRow.expires_at <= func.now()).limit(BATCH)
        with self._engine.connect() as connection:
            return connection.execute(delete(SessionRow).where(SessionRow.hash.in_(over))).rowcount
