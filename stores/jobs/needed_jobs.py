"""Which ended jobs cannot be deleted, because a job that has not ended needs what they have made."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, text

from models.extractors import MEASURED
from models.specs.evaluate import AUTO

# `needed` is the ended job, `by` the one that needs it: it loads one of its checkpoints; it waits for its extractor; or
# it will look for the extractor of its data set, which the ended job has made.
NEEDED = text("""
SELECT needed, min(by) AS by FROM (
    SELECT artifacts.job_id AS needed, needing.id AS by
      FROM artifacts JOIN jobs AS needing ON needing.source_artifact = artifacts.id
     WHERE artifacts.job_id = ANY(cast(:jobs AS text[])) AND artifacts.kind = 'checkpoint'
       AND needing.state IN ('queued', 'running', 'paused')
    UNION ALL
    SELECT waits_for, id FROM jobs
     WHERE waits_for = ANY(cast(:jobs AS text[])) AND state IN ('queued', 'running', 'paused')
    UNION ALL
    SELECT extractors.job_id, needing.id
      FROM extractors JOIN jobs AS needing ON needing.dataset_id = extractors.dataset_id
     WHERE extractors.job_id = ANY(cast(:jobs AS text[])) AND needing.state IN ('queued', 'running', 'paused')
       AND (needing.params ->> 'extractor' = :auto OR needing.params ->> 'monitor' = ANY(cast(:measured AS text[])))
) AS needs GROUP BY needed
""")


def who_needs(connection: Connection, job_ids: Sequence[str]) -> dict[str, str]:
    """Return which of these ended jobs are needed, each with the first job that needs it."""
    asked = {"jobs": list(job_ids), "auto": AUTO, "measured": sorted(MEASURED)}
    return {row.needed: row.by for row in connection.execute(NEEDED, asked)}
