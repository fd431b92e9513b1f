"""What devices were used for: the time and energy of attempts, by owner, project and queue. Read-only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, text

from models.views import Usage, usage_view

# An attempt counts as far as it lies between the two times. Its energy is known as a whole, and counted by the same
# share. One that runs counts up to now.
USAGE = text("""
WITH attempt AS (
    SELECT job.owner, job.project, job.queue, job.id, one.started_at,
           coalesce(one.ended_at, now()) AS ended_at, one.energy_wh
      FROM attempts AS one JOIN jobs AS job ON job.id = one.job_id
     WHERE one.started_at < :until AND (one.ended_at IS NULL OR one.ended_at > :since)
       AND (CAST(:owner AS text) IS NULL OR job.owner = :owner)),
     part AS (
    SELECT owner, project, queue, id, energy_wh,
           extract(epoch FROM ended_at - started_at)::float8 AS whole_s,
           greatest(0, extract(epoch FROM least(ended_at, :until) - greatest(started_at, :since)))::float8 AS device_s
      FROM attempt)
SELECT owner, project, queue, count(DISTINCT id) AS jobs, count(*) AS attempts, sum(device_s) AS device_s,
       sum(energy_wh * CASE WHEN whole_s > 0 THEN device_s / whole_s ELSE 1 END) AS energy_wh
  FROM part
 GROUP BY owner, project, queue
 ORDER BY sum(device_s) DESC, owner, project, queue
""")


class UsageQueries:
    """Reads the usage. `owner` None reads for an admin: everybody's."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    def between(self, since: datetime, until: datetime, owner: str | None) -> Sequence[Usage]:
        """Return the usage between two times, a row for each owner, project and queue, the most used first."""
        asked: dict[str, Any] = {"since": since, "until": until, "owner": owner}
        with self._engine.connect() as connection:
            return [usage_view(row) for row in connection.execute(USAGE, asked).mappings()]
