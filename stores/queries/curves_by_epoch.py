"""Training curves by epoch, for the comparison of several jobs. Read-only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Engine, select

from models import views
from models.rows import Artifact, Event
from models.states import EventType
from models.views import artifact_view


class CurvesByEpoch:
    """Reads the curves of several jobs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    def epochs(self, job_ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """Return the epochs of each job, first to last, from its `epoch` events."""
        query = (
            select(Event.job_id, Event.data)
            .where(Event.job_id.in_(list(job_ids)), Event.type == EventType.epoch)
            .order_by(Event.job_id, Event.seq)
        )
        found: dict[str, list[dict[str, Any]]] = {job_id: [] for job_id in job_ids}
        with self._engine.connect() as connection:
            for job_id, epoch in connection.execute(query):
                found[job_id].append(epoch)
        return {job_id: as_they_stand(told) for job_id, told in found.items()}

    def halvings(self, job_ids: Sequence[str]) -> dict[str, list[tuple[int, int]]]:
        """Return where the batch of each job was halved: (step, images seen by then), as far as known."""
        query = (
            select(Event.job_id, Event.data["back_to"].as_integer(), Event.data["images"].as_integer())
            .where(
                Event.job_id.in_(list(job_ids)),
                Event.type == EventType.alert,
                Event.data["code"].as_string() == "batch_halved",
                Event.data["images"].as_integer().is_not(None),
            )
            .order_by(Event.job_id, Event.seq)
        )
        found: dict[str, list[tuple[int, int]]] = {job_id: [] for job_id in job_ids}
        with self._engine.connect() as connection:
            for job_id, step, images in connection.execute(query):
                found[job_id].append((step, images))
        return found

    def grids(self, job_ids: Sequence[str]) -> dict[str, list[views.Artifact]]:
        """Return the grids of each job by step; the newest one of each step."""
        query = (
            select(*Artifact.__table__.columns)
            .where(Artifact.job_id.in_(list(job_ids)), Artifact.kind == "grid", Artifact.step.is_not(None))
            .order_by(Artifact.job_id, Artifact.step, Artifact.id)
        )
        found: dict[str, dict[int, views.Artifact]] = {job_id: {} for job_id in job_ids}
        with self._engine.connect() as connection:
            for row in connection.execute(query).mappings():
                found[row["job_id"]][row["step"]] = artifact_view(row)
        return {job_id: list(grids.values()) for job_id, grids in found.items()}


def as_they_stand(epochs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return epochs in the order of their events, without those that were repeated later.

    An attempt that went back to an earlier checkpoint tells of some epochs again: then only the later word counts.
    """
    told: list[dict[str, Any]] = []
    for epoch in epochs:
        while told and told[-1]["epoch"] >= epoch["epoch"]:
            told.pop()
        told.append(epoch)
    return told
