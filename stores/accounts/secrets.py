"""Secrets of the service itself, shared by all its processes. The first process that needs one makes it."""

from __future__ import annotations

import secrets

from sqlalchemy import Engine, select
from sqlalchemy.dialects.postgresql import insert

from models.rows import Secret

# Signs the cursors of lists.
CURSORS = "cursors"
BYTES = 32


class Secrets:
    """Reads the service's secrets, once in each process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._known: dict[str, bytes] = {}

    def get(self, name: str) -> bytes:
        """Return the secret of this name; make it if there is none."""
        if name not in self._known:
            made = insert(Secret).values(name=name, value=secrets.token_bytes(BYTES)).on_conflict_do_nothing()
            with self._engine.connect() as connection:
                connection.execute(made)
                self._known[name] = connection.scalars(select(Secret.value).where(Secret.name == name)).one()
        return self._known[name]
