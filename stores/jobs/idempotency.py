"""Idempotency keys: the same request twice makes one job, and the second is told what the first was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, bindparam, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from models.messages import Conflicts
from models.rows import Idempotency
from stores.accounts.quotas import TURN
from stores.infra.errors import IdempotencyBusyError, IdempotencyMismatchError

REMEMBERED = text("interval '72 hours'")


@dataclass(frozen=True)
class Request:
    """The key that came with a request, and what identifies its body."""

    key: str
    body_sha256: bytes


# The look-up may be older than the lock. Storing the answer finds that out by its primary key (stores/jobs/insert.py).
BEGIN = text(f"""
SELECT now() AS at, locks.*, answer.body_sha256, answer.response
  FROM (SELECT cast(:key AS text) IS NULL
               OR pg_try_advisory_xact_lock(hashtextextended(:owner || E'\\n' || :key, 0)) AS alone,
               CASE WHEN :turn THEN {TURN} END AS turn) AS locks
  LEFT JOIN idempotency AS answer ON owner = :owner AND key = :key AND created_at > now() - interval '72 hours'
""").bindparams(bindparam("owner", type_=Text()), bindparam("key", type_=Text()))  # noqa: S608 - names of this program


@dataclass(frozen=True)
class Begun:
    """The beginning of a transaction: its time, and the answer that was stored for the request before, if any."""

    at: datetime
    answer: dict[str, Any] | None


def begin(connection: Connection, owner: str, request: Request | None, *, turn: bool = False) -> Begun:
    """Lock the idempotency key, and with `turn` the owner's quota too, until the transaction ends.

    Raises:
        IdempotencyMismatchError: the key came with another body before.
        IdempotencyBusyError: another request with this key is under way.
    """
    key = None if request is None else request.key
    row = connection.execute(BEGIN, {"owner": owner, "key": key, "turn": turn}).one()
    if not row.alone:
        raise busy()
    return Begun(row.at, None if request is None else _answer(row, request))


def busy() -> IdempotencyBusyError:
    """Return the error of a request whose key another request is using."""
    return IdempotencyBusyError(Conflicts.first_request_under_way())


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
    return None if row is None else _answer(row, request)


def _answer(row: Any, request: Request) -> dict[str, Any] | None:
    if row.response is None:
        return None
    if bytes(row.body_sha256) != request.body_sha256:
        raise IdempotencyMismatchError(Conflicts.key_used_before())
    return dict(row.response)


def _mine(owner: str, request: Request) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Idempotency.owner == owner, Idempotency.key == request.key


def remember(connection: Connection, owner: str, request: Request, response: Mapping[str, Any]) -> None:
    """Keep the answer to an order to many jobs, in place of one that is older than 72 hours."""
    new = insert(Idempotency).values(
        owner=owner, key=request.key, body_sha256=request.body_sha256, job_id=None, response=response
    )
    renewed = {name: new.excluded[name] for name in ("body_sha256", "job_id", "response")}
    connection.execute(
        new.on_conflict_do_update(
            index_elements=["owner", "key"],
            set_={**renewed, "created_at": func.now()},
            where=Idempotency.created_at <= func.now() - REMEMBERED,
        )
    )


def forget(connection: Connection) -> int:
    """Remove answers that are older than 72 hours; return how many there were."""
    return connection.execute(delete(Idempotency).where(Idempotency.created_at < func.now() - REMEMBERED)).rowcount
