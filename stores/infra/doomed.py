"""The outbox of objects to remove: who deletes a row that names an object writes the key down in the same transaction.

So nothing is left behind by a crash, nor by an object store that is away: the sweeper removes the objects and then
these rows, and tries again for ever (stores/maintenance/doomed_objects.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete
from sqlalchemy.dialects.postgresql import insert

from models.rows import Artifact, DoomedObject


def doom(connection: Connection, objects: Iterable[tuple[str, int]]) -> None:
    """Have objects removed once this transaction is committed: the key of each, and its bytes."""
    rows = [{"object_key": key, "bytes": size} for key, size in objects]
    if rows:
        connection.execute(insert(DoomedObject).on_conflict_do_nothing(), rows)


def delete_artifacts(connection: Connection, *chosen: ColumnElement[bool]) -> list[Row[*tuple[Any, ...]]]:
    """Delete artifacts and have their objects removed; return `object_key` and `bytes` of each."""
    gone = delete(Artifact).where(*chosen).returning(Artifact.object_key, Artifact.bytes)
    rows = list(connection.execute(gone))
    doom(connection, ((row.object_key, row.bytes) for row in rows))
    return rows


def doomed_keys(rows: Iterable[Row[*tuple[Any, ...]]]) -> list[str]:
    """Return the keys of what was deleted."""
    return [row.object_key for row in rows]
