"""Idempotency keys: the same request twice makes one job, and the second is told what the first was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, text

from models.rows import Idempotency
from stores.infra.errors import IdempotencyBusyError, IdempotencyMismatchError

REMEMBERED = text("interval '72 hours'")


@dataclass(frozen=True)
class Request:
    """The key that came with a request, and what identifies its body."""

    key: str
    body_sha256: bytes


def begin(connection: Connection, owner: str, request: Request) -> dict[str, Any] | None:
    """Return the answer that this key was given before, or None and keep others out until the transaction ends.

    Raises:
        IdempotencyMismatchError: the key came with another body before.
        IdempotencyBusyError: another request with this key is under way.
    """
    name = func.hashtextextended(f"{owner}\n{request.key}", 0)
    if not connection.scalar(select(func.pg_try_advisory_xact_lock(name))):
        raise IdempotencyBusyError("the first request with this Idempotency-Key is still under way; try again")
    answer = answered(connection, owner, request)
    if answer is None:
        connection.execute(delete(Idempotency).where(*_mine(owner, request)))
    return answer


def answered(connection: Connection, owner: str, request: Request) -> dict[str, Any] | None:
    """Return the answer that this key was given before, or None.

    Raises:
        IdempotencyMismatchError: the key came with another body before.
    """
    row = connection.execute(
        select(Idempotency.body_sha256, Idempotency.response).where(
            *_mine(owner, request), Idempotency.created_at > func.now() - REMEMBERED
        )
    ).first()
    if row is None:
        return None
    if bytes(row.body_sha256) != request.body_sha256:
        raise IdempotencyMismatchError(
            "this Idempotency-Key was used with another body in the last 72 hours; use a fresh key for a new job"
        )
    return dict(row.response)


def _mine(owner: str, request: Request) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Idempotency.owner == owner, Idempotency.key == request.key


def remember(
    connection: Connection, owner: str, request: Request, job_id: str | None, response: Mapping[str, Any]
) -> None:
    """Keep the answer beside the job, in the same transaction; an order to many jobs has none of its own."""
    connection.execute(
        insert(Idempotency).values(
            owner=owner, key=request.key, body_sha256=request.body_sha256, job_id=job_id, response=response
        )
    )


def forget(connection: Connection) -> int:
    """Remove answers that are older than 72 hours; return how many there were."""
    return connection.execute(delete(Idempotency).where(Idempotency.created_at < func.now() - REMEMBERED)).rowcount
