"""The audit log: a row for every change by a person, written in the transaction of the change, never modified."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, insert, select

from models.rows import Audit
from models.views import AuditEntry, audit_view


class Actor(Protocol):
    """The author of a change: an owner with a key."""

    @property
    def owner(self) -> str:
        """The owner of the key."""

    @property
    def key_id(self) -> str | None:
        """The key; None for a change made on the machine itself, without a key."""


class Requester(Actor, Protocol):
    """A person who acts on jobs."""

    @property
    def reads(self) -> str | None:
        """The owner whose jobs they see; None: all owners."""


# Rows in one statement.
ROWS = 10


@dataclass(frozen=True)
class Local:
    """An owner who acts without a key."""

    owner: str
    key_id: None = None

    @property
    def reads(self) -> str:
        """The owner's own jobs."""
        return self.owner


@dataclass(frozen=True)
class Entry:
    """An action and its subject. `before` and `after` hold the changed fields, never a secret."""

    action: str  # kind of subject and verb, such as job.cancel
    subject: str  # its id, or its name if it has no id
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


def record(connection: Connection, actor: Actor, *entries: Entry) -> None:
    """Insert the audit rows of this transaction."""
    if entries:
        who = {"owner": actor.owner, "key_id": actor.key_id}
        # Who asks for the ids gets a statement for some rows at once. With one for each row, other requests come in
        # between each time, and ten thousand take 20 s; with one for all, nothing comes in between for .1 s.
        rows = insert(Audit).returning(Audit.id).execution_options(insertmanyvalues_page_size=ROWS)
        connection.execute(rows, [{**who, **vars(entry)} for entry in entries])


class Audits:
    """Reads the audit log."""

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
        """Return up to `limit` rows, newest first, starting after the row `before`."""
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
