"""Previews of built-in and discovered data sets: generated once, stored with their rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select, update

from models.rows import Dataset
from stores.datasets.uploads import Uploads
from stores.infra.blobs import Blobs

Row = Mapping[str, Any]


class Previews:
    """Lists data sets without a preview, and stores previews."""

    def __init__(self, engine: Engine, blobs: Blobs) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._blobs = blobs

    def lacking(self) -> list[Row]:
        """Return the rows of available shared data sets without a preview, oldest first."""
        shared = (Dataset.source != "uploaded", Dataset.state == "ready", Dataset.deleted_at.is_(None))
        query = select(*Dataset.__table__.columns).where(*shared, Dataset.preview_key.is_(None))
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(Dataset.created_at, Dataset.id)).mappings()
            return [dict(row) for row in rows]

    def keep(self, row: Row, preview: Path, class_counts: list[int] | None) -> bool:
        """Store a preview and the counts of its classes; false if other files were registered meanwhile.

        Raises:
            BlobError: the object store does not answer.
        """
        _, key = Uploads.keys(row["id"])
        self._blobs.put(key, preview, "image/png")
        same = [getattr(Dataset, name).is_not_distinct_from(row[name]) for name in ("layout", "bytes", "sha256")]
        seen = update(Dataset).where(Dataset.id == row["id"], *same)
        with self._engine.connect() as connection:
            return bool(connection.execute(seen.values(preview_key=key, class_counts=class_counts)).rowcount)
