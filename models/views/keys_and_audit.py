"""Keys, and what was done with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from models.states import Role
from models.views.base import Moment, closed, view


@closed
class KeyQuotas(TypedDict):
    """Limits of a key; null: what the service's settings say."""

    queued: int | None
    running: int | None
    stored_bytes: int | None


@closed
class Key(TypedDict):
    """An access key without its secret."""

    id: str
    name: str
    owner: str
    role: Role
    quotas: KeyQuotas
    created_at: Moment


@closed
class FreshKey(Key):
    """A key just made."""

    key: Annotated[str, Field(description="The secret, shown this once.")]


@closed
class Share(TypedDict):
    """A link that shows a job without a key; its address cannot be shown again."""

    id: str
    job: str
    created_at: Moment
    expires_at: Moment


@closed
class FreshShare(Share):
    """A link just made."""

    url: Annotated[str, Field(description="The page's address, shown this once. Whoever has it sees the job.")]


@closed
class AuditEntry(TypedDict):
    """What somebody did."""

    id: int
    at: Moment
    owner: str
    key: Annotated[str | None, Field(description="Id of the key it was done with.")]
    action: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


def key_view(row: Mapping[Any, Any]) -> Key:
    """Return a key without its secret, which nobody can show again."""
    return view(Key, row, quotas={name: row[f"quota_{name}"] for name in KeyQuotas.__annotations__})


def share_view(row: Mapping[Any, Any]) -> Share:
    """Return a link without its address, which nobody can show again."""
    return view(Share, row, job=row["job_id"])


def audit_view(row: Mapping[Any, Any]) -> AuditEntry:
    """Return what somebody did."""
    return view(AuditEntry, row, key=row["key_id"])
