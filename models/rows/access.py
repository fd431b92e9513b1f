"""Who may come in, what they were answered, and what they did."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    UniqueConstraint,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column

from models.rows.base import Base, JsonObject, one_of
from models.states import Role


class Key(Base):
    """An access key. Only the SHA-256 of the secret is kept: the secret has 256 random bits, so no salt is needed."""

    __tablename__ = "keys"
    __table_args__ = (
        CheckConstraint(one_of("role", Role), name="role"),
        CheckConstraint("least(quota_queued, quota_running, quota_stored_bytes) >= 0", name="quotas"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    owner: Mapped[str] = mapped_column(index=True)
    role: Mapped[str]
    hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    revoked_at: Mapped[datetime | None]
    # How much its owner may have through it; null: what the settings say.
    quota_queued: Mapped[int | None] = mapped_column(Integer)
    quota_running: Mapped[int | None] = mapped_column(Integer)
    quota_stored_bytes: Mapped[int | None] = mapped_column(BigInteger)


class Session(Base):
    """Somebody signed in to the dashboard with a key. Of the token in the cookie only the SHA-256 is kept."""

    __tablename__ = "sessions"

    hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    key_id: Mapped[str] = mapped_column(ForeignKey("keys.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Share(Base):
    """A link that shows one job without a key. Of the token in its address only the SHA-256 is kept.

    Ended and revoked ones have no row: the audit log knows of them.
    """

    __tablename__ = "shares"

    id: Mapped[str] = mapped_column(primary_key=True)
    hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), index=True)
    # It ends with the key it was made with.
    key_id: Mapped[str] = mapped_column(ForeignKey("keys.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Secret(Base):
    """A secret of the service itself, which its processes share."""

    __tablename__ = "secrets"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[bytes] = mapped_column(LargeBinary)


class Idempotency(Base):
    """The answer given to an Idempotency-Key, kept for 72 hours."""

    __tablename__ = "idempotency"
    __table_args__ = (Index("ix_idempotency_created_at", "created_at"),)

    owner: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    body_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    job_id: Mapped[str | None]  # not a foreign key: the answer outlives the job
    response: Mapped[JsonObject]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class SavedView(Base):
    """A list of jobs that an owner keeps under a name: filter, order and columns."""

    __tablename__ = "views"
    __table_args__ = (UniqueConstraint("owner", "name"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    name: Mapped[str]
    filter: Mapped[JsonObject]
    sort: Mapped[str]
    columns: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Audit(Base):
    """Who did what, before and after. Rows are added, never changed: a trigger refuses it, whoever asks."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_action", "action", "id"),
        Index("ix_audit_subject", "subject", "id"),
        Index("ix_audit_owner", "owner", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    owner: Mapped[str]
    key_id: Mapped[str | None] = mapped_column(ForeignKey("keys.id"))
    action: Mapped[str]
    subject: Mapped[str]
    before: Mapped[JsonObject | None]
    after: Mapped[JsonObject | None]
