"""Periodic tasks. Any number of sweepers may run; each round is claimed once.

A round is taken by moving `next_at` on in one guarded UPDATE, so of two sweepers one gets it. No transaction stays open
while a round is worked off: it would hold up the feed of events. A sweeper that dies in a round leaves it to the next
one, so every chore can be done twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, func, select, update
from sqlalchemy.dialects.postgresql import insert

from models.rows import Chore
from stores.infra.sql import seconds


@dataclass(frozen=True)
class Round:
    """The result of one round. `more`: it stopped at its size limit, so the next round may start at once."""

    done: int = 0
    bytes: int = 0
    cursor: str = ""
    more: bool = False


class PeriodicTasks:
    """Hands out rounds and records their results."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    def take(self, name: str, again_s: float) -> str | None:
        """Claim the due round and return its cursor; None if no round is due or another sweeper claimed it.

        If it is never finished, it is due again after `again_s` seconds.
        """
        due = update(Chore).where(Chore.name == name, Chore.next_at <= func.now())
        with self._engine.connect() as connection:
            cursor = connection.scalar(due.values(next_at=func.now() + seconds(again_s)).returning(Chore.cursor))
            if cursor is None:
                # The first time ever, the row is created, due at once, and claimed at the next attempt.
                connection.execute(insert(Chore).values(name=name).on_conflict_do_nothing())
        return cursor

    def finish(self, name: str, round_: Round, took_s: float, every_s: float) -> None:
        """Record a round. The next one is due at once if there is more, else in `every_s` seconds."""
        values: dict[str, Any] = {
            "cursor": round_.cursor,
            "next_at": func.now() + seconds(0.0 if round_.more else every_s),
            "last_at": func.now(),
            "seconds": took_s,
            "rounds": Chore.rounds + 1,
            "done": Chore.done + round_.done,
            "bytes": Chore.bytes + round_.bytes,
        }
        with self._engine.connect() as connection:
            connection.execute(update(Chore).where(Chore.name == name).values(values))

    def all(self) -> list[dict[str, Any]]:
        """Return every chore with its counts and the age of its last round in seconds."""
        age = func.extract("epoch", func.now() - Chore.last_at).label("age_s")
        query = select(Chore.name, Chore.seconds, Chore.rounds, Chore.done, Chore.bytes, Chore.last_at, age)
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query.order_by(Chore.name)).mappings()]
