"""Removes the objects whose rows were deleted (stores/infra/doomed.py), and then the notes that asked for it."""

from __future__ import annotations

import structlog
from sqlalchemy import Engine, delete, select

from models.rows import DoomedObject
from stores.infra.blobs import MOST_AT_ONCE, Blobs
from stores.maintenance.periodic import Round

log = structlog.get_logger(__name__)


class DoomedObjects:
    """Empties the outbox. A round may be repeated at any time: removing a missing object is no error."""

    def __init__(self, engine: Engine, blobs: Blobs) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._blobs = blobs

    def remove(self, cursor: str) -> Round:
        """Remove the next objects after the cursor. What the store refuses stays noted, and has its turn again.

        Raises:
            BlobError: the object store does not answer.
        """
        some = select(DoomedObject.object_key, DoomedObject.bytes).where(DoomedObject.object_key > cursor)
        with self._engine.connect() as connection:
            rows = connection.execute(some.order_by(DoomedObject.object_key).limit(MOST_AT_ONCE)).all()
        refused = self._blobs.remove_all([row.object_key for row in rows])
        for key, error in list(refused.items())[:1]:
            log.warning("objects_not_removed", count=len(refused), first=key, error=error)
        gone = [row for row in rows if row.object_key not in refused]
        if gone:
            with self._engine.connect() as connection:
                keys = [row.object_key for row in gone]
                connection.execute(delete(DoomedObject).where(DoomedObject.object_key.in_(keys)))
        more = len(rows) == MOST_AT_ONCE
        return Round(len(gone), sum(row.bytes for row in gone), rows[-1].object_key if more else "", more=more)
