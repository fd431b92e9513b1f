"""Training curves by epoch, for the comparison of several jobs. Read-only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Engine, select, text

from models import views
from models.rows import Event
from models.states import EventType
from models.views import artifact_view

# Epochs or grids of one job that are read: a chart shows 200 points, a slider 120 images. A job may have 100,000.
MOST = 1000
# The partial index over events has no metrics, which are nearly all events of a long job.
TOLD = "type <> 'metric'"
# Of `total` entries in order, every one that ends a part, where all are cut into `most` parts: the last one always.
ENDS_A_PART = "(total <= :most OR number * :most / total > (number - 1) * :most / total)"
# An attempt that went back to an earlier checkpoint tells of some epochs again: then only the later word counts. An
# epoch stands if no later event tells of it or of one before it. Seconds and images are counted up to each epoch.
EPOCHS = text(f"""
WITH told AS (
    SELECT job_id, seq, data, (data->>'epoch')::bigint AS epoch,
           min((data->>'epoch')::bigint) OVER (
               PARTITION BY job_id ORDER BY seq DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS later
      FROM events WHERE job_id = ANY(:jobs) AND {TOLD} AND type = 'epoch'
), standing AS (
    SELECT job_id, seq, data, count(*) OVER (PARTITION BY job_id) AS total, row_number() OVER earlier AS number,
           sum((data->>'seconds')::float8) OVER earlier AS seconds,
           sum((data->>'seconds')::float8 * (data->>'images_per_second')::float8) OVER earlier AS images
      FROM told WHERE later IS NULL OR later > epoch
    WINDOW earlier AS (PARTITION BY job_id ORDER BY seq ROWS UNBOUNDED PRECEDING)
)
SELECT job_id, data, number, seconds, images FROM standing WHERE {ENDS_A_PART} ORDER BY job_id, seq
""")  # noqa: S608 - a fragment of this module
GRIDS = text(f"""
WITH newest AS (
    SELECT DISTINCT ON (job_id, step) * FROM artifacts
     WHERE job_id = ANY(:jobs) AND kind = 'grid' AND step IS NOT NULL ORDER BY job_id, step, id DESC
), numbered AS (
    SELECT *, count(*) OVER (PARTITION BY job_id) AS total,
           row_number() OVER (PARTITION BY job_id ORDER BY step) AS number
      FROM newest
)
SELECT * FROM numbered WHERE {ENDS_A_PART} ORDER BY job_id, step
""")  # noqa: S608 - a fragment of this module


class CurvesByEpoch:
    """Reads the curves of several jobs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    def epochs(self, job_ids: Sequence[str], most: int = MOST) -> dict[str, list[dict[str, Any]]]:
        """Return up to `most` epochs of each job, first to last, from its `epoch` events; several as one if need be.

        What stands for several has the figures of the last of them, the seconds of all, and their number (`epochs`).
        """
        found: dict[str, list[dict[str, Any]]] = {job_id: [] for job_id in job_ids}
        before: dict[str, tuple[int, float, float]] = dict.fromkeys(job_ids, (0, 0.0, 0.0))
        with self._engine.connect() as connection:
            for row in connection.execute(EPOCHS, {"jobs": list(job_ids), "most": most}):
                number, seconds, images = before[row.job_id]
                before[row.job_id] = (row.number, row.seconds, row.images)
                epoch = row.data
                if row.number > number + 1:
                    took, shown = row.seconds - seconds, row.images - images
                    rate = shown / took if took > 0 else epoch["images_per_second"]
                    epoch = {**epoch, "epochs": row.number - number, "seconds": took, "images_per_second": rate}
                found[row.job_id].append(epoch)
        return found

    def halvings(self, job_ids: Sequence[str]) -> dict[str, list[tuple[int, int]]]:
        """Return where the batch of each job was halved: (step, images seen by then), as far as known."""
        query = (
            select(Event.job_id, Event.data["back_to"].as_integer(), Event.data["images"].as_integer())
            .where(
                Event.job_id.in_(list(job_ids)),
                text(TOLD),
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
        """Return the grids of each job by step; the newest one of each step, and evenly spaced where there are many."""
        found: dict[str, list[views.Artifact]] = {job_id: [] for job_id in job_ids}
        with self._engine.connect() as connection:
            for row in connection.execute(GRIDS, {"jobs": list(job_ids), "most": MOST}).mappings():
                found[row["job_id"]].append(artifact_view(row))
        return found


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
