"""The sampling jobs of a training job, with the files of each. Read-only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, select, text

from models import views
from models.rows import Artifact
from models.views import artifact_view, job_view

# A literal text, so that a prepared statement can use the partial index over sampling jobs.
DRAWN = text("""
SELECT jobs.*, checkpoint.step AS drawn_step, checkpoint.epoch AS drawn_epoch
  FROM jobs LEFT JOIN artifacts AS checkpoint ON checkpoint.id = jobs.source_artifact
 WHERE jobs.kind = 'sample' AND jobs.source ->> 'job' = :job AND jobs.trashed_at IS NULL
   AND (cast(:owner AS text) IS NULL OR jobs.owner = cast(:owner AS text))
 ORDER BY jobs.created_at DESC, jobs.id DESC
 LIMIT :limit
""")


class Samples:
    """Reads the sampling jobs of training jobs. `owner` None reads for an admin: everything."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    def of(self, job_id: str, owner: str | None, limit: int) -> list[dict[str, Any]]:
        """Return up to `limit` sampling jobs made from a job, newest first.

        Each is a job as shown to readers, with `files`, the artifacts it has made, and `drawn_from`, the step and epoch
        of its checkpoint; None once that is no longer kept.
        """
        asked = {"job": job_id, "owner": owner, "limit": limit}
        with self._engine.connect() as connection:
            rows = connection.execute(DRAWN, asked).mappings().all()
            made = _files(connection, [row["id"] for row in rows])
        return [{**job_view(row), "files": made.get(row["id"], []), "drawn_from": _drawn_from(row)} for row in rows]


def _drawn_from(row: Mapping[Any, Any]) -> dict[str, Any] | None:
    return {"step": row["drawn_step"], "epoch": row["drawn_epoch"]} if row["source_artifact"] else None


def _files(connection: Connection, job_ids: Sequence[str]) -> dict[str, list[views.Artifact]]:
    """Return the files of sampling jobs, by job, in the order of their creation."""
    drawn = (Artifact.job_id.in_(job_ids), Artifact.kind == "samples")
    query = select(*Artifact.__table__.columns).where(*drawn).order_by(Artifact.id)
    made: dict[str, list[views.Artifact]] = {}
    for row in connection.execute(query).mappings():
        made.setdefault(row["job_id"], []).append(artifact_view(row))
    return made
