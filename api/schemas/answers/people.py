"""Keys, and what was done with them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from api.schemas.answers.base import Answer
from models.states import Role


class KeyQuotas(Answer):
    """Limits of a key; null: what the service's settings say."""

    queued: int | None
    running: int | None
    stored_bytes: int | None


class Key(Answer):
    """An access key without its secret."""

    id: str
    name: str
    owner: str
    role: Role
    quotas: KeyQuotas
    created_at: datetime


class FreshKey(Key):
    """A key just made."""

    key: str = Field(description="The secret, shown this once.")


class AuditEntry(Answer):
    """What somebody did."""

    id: int
    at: datetime
    owner: str
    key: str | None = Field(description="Id of the key it was done with.")
    action: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
