"""The course of trainings, epoch by epoch, as their curves stand: for laying several beside each other. Only reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Engine, select

from models import views
from models.rows import Artifact, Event
from models.states import EventType
from models.views import artifact_view


class Courses:
    """Looks at what several jobs went through."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    def epochs(self, job_ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """Return the epochs of each job, first to last, as its `epoch` events tell them."""
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
        """Return from where the batch of each job was half as large: (step, images seen by then), as far as told."""
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
        """Return the grids of each job in the order of their steps; of those at one step the newest."""
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
    """Return epochs, in the order in which they were told, without those that were told again later.

    An attempt that went back to an earlier checkpoint tells of some epochs again: then only the later word counts.
    """
    told: list[dict[str, Any]] = []
    for epoch in epochs:
        while told and told[-1]["epoch"] >= epoch["epoch"]:
            told.pop()
        told.append(epoch)
    return told
