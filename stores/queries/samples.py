"""The sampling jobs of a training job, with the files of each. Read-only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Engine, select

from models import views
from models.rows import Artifact
from models.views import artifact_view, job_view
from stores.queries.from_checkpoint import made_from, place

DRAWN = made_from("sample")


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
        return [{**job_view(row), "files": made.get(row["id"], []), "drawn_from": place(row)} for row in rows]


def _files(connection: Connection, job_ids: Sequence[str]) -> dict[str, list[views.Artifact]]:
    """Return the files of sampling jobs, by job, in the order of their creation."""
    drawn = (Artifact.job_id.in_(job_ids), Artifact.kind == "samples")
    query = select(*Artifact.__table__.columns).where(*drawn).order_by(Artifact.id)
    made: dict[str, list[views.Artifact]] = {}
    for row in connection.execute(query).mappings():
        made.setdefault(row["job_id"], []).append(artifact_view(row))
    return made
