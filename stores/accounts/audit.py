"""The audit: a row for every change that a person makes, in the transaction that makes it. Nobody changes it after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, insert, select

from models.rows import Audit
from models.views import AuditEntry, audit_view


class Actor(Protocol):
    """Who makes a change: an owner, through a key."""

    @property
    def owner(self) -> str:
        """Whose key it is."""

    @property
    def key_id(self) -> str | None:
        """The key; None where somebody acts without one, on the machine itself."""


class Requester(Actor, Protocol):
    """Somebody who acts on jobs."""

    @property
    def reads(self) -> str | None:
        """The owner whose jobs they see; None: everybody's."""


@dataclass(frozen=True)
class Local:
    """An owner who acts without a key."""

    owner: str
    key_id: None = None

    @property
    def reads(self) -> str:
        """Their own."""
        return self.owner


@dataclass(frozen=True)
class Entry:
    """What was done to what. `before` and `after` hold what the change touched, and never a secret."""

    action: str  # the kind of thing and the verb: job.cancel
    subject: str  # its id, or its name where that is what it goes by
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


def record(connection: Connection, actor: Actor, *entries: Entry) -> None:
    """Write down what this transaction does."""
    if entries:
        who = {"owner": actor.owner, "key_id": actor.key_id}
        connection.execute(insert(Audit), [{**who, **vars(entry)} for entry in entries])


class Audits:
    """Reads the audit."""

    def __init__(self, engine: Engine) -> None:
        self._reader = engine.execution_options(isolation_level="AUTOCOMMIT")

    def page(
        self,
        limit: int,
        before: int | None,
        *,
        actions: Sequence[str] = (),
        subjects: Sequence[str] = (),
        owner: str | None = None,
    ) -> list[AuditEntry]:
        """Return up to `limit` rows, newest first, beginning behind the row `before`."""
        query = select(*Audit.__table__.columns).order_by(Audit.id.desc()).limit(limit)
        for column, wanted in ((Audit.action, actions), (Audit.subject, subjects)):
            if wanted:
                query = query.where(column.in_(list(wanted)))
        if owner is not None:
            query = query.where(Audit.owner == owner)
        if before is not None:
            query = query.where(Audit.id < before)
        with self._reader.connect() as connection:
            return [audit_view(row) for row in connection.execute(query).mappings()]
