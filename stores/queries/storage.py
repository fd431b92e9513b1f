"""What uses the space in the object store, as the rows say. Read-only."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, text

from models import views
from models.views import storage_view

# Entries of the longer lists, largest first.
MOST = 100
# Files are counted once, by job and kind; the lists are sums of that. Jobs that are deleted for good are left out.
STORAGE = text("""
WITH files AS MATERIALIZED (
    SELECT jobs.id AS job, jobs.owner, jobs.trashed_at IS NOT NULL AS trashed, found.kind, found.objects, found.bytes
      FROM (SELECT job_id, kind, count(*) AS objects, sum(bytes) AS bytes FROM artifacts
             WHERE cast(:owner AS text) IS NULL OR job_id IN (SELECT id FROM jobs WHERE owner = cast(:owner AS text))
             GROUP BY job_id, kind) AS found
      JOIN jobs ON jobs.id = found.job_id
     WHERE jobs.purged_at IS NULL
), sets AS MATERIALIZED (
    SELECT id AS dataset, name, owner, num_nonnulls(object_key, preview_key) AS objects, bytes FROM datasets
     WHERE source = 'uploaded' AND deleted_at IS NULL
       AND (cast(:owner AS text) IS NULL OR owner = cast(:owner AS text))
), kept AS (
    SELECT owner, kind, objects, bytes FROM files WHERE NOT trashed
    UNION ALL SELECT owner, 'dataset', objects, bytes FROM sets
), by_job AS (
    SELECT job, sum(objects) AS objects, sum(bytes) AS bytes FROM files WHERE NOT trashed
     GROUP BY job ORDER BY 3 DESC, 1 LIMIT :most
)
SELECT 'total' AS list, NULL AS key, NULL AS name, NULL AS owner, NULL AS kind,
       coalesce(sum(objects), 0) AS objects, coalesce(sum(bytes), 0) AS bytes, cast(NULL AS bigint) AS jobs FROM kept
UNION ALL
SELECT 'trash', NULL, NULL, NULL, NULL, coalesce(sum(objects), 0), coalesce(sum(bytes), 0),
       (SELECT count(*) FROM jobs WHERE trashed_at IS NOT NULL AND purged_at IS NULL
           AND (cast(:owner AS text) IS NULL OR owner = cast(:owner AS text)))
  FROM files WHERE trashed
UNION ALL
(SELECT 'owner', owner, NULL, NULL, NULL, sum(objects), sum(bytes), cast(NULL AS bigint) FROM kept
  GROUP BY owner ORDER BY 7 DESC, 2 LIMIT :most)
UNION ALL
SELECT 'kind', kind, NULL, NULL, NULL, sum(objects), sum(bytes), cast(NULL AS bigint) FROM kept GROUP BY kind
UNION ALL
(SELECT 'dataset', dataset, name, owner, NULL, objects, bytes, cast(NULL AS bigint) FROM sets
  ORDER BY 7 DESC, 2 LIMIT :most)
UNION ALL
SELECT 'job', jobs.id, jobs.name, jobs.owner, jobs.recipe, by_job.objects, by_job.bytes, cast(NULL AS bigint)
  FROM by_job JOIN jobs ON jobs.id = by_job.job
""")


class StorageQueries:
    """Reads what is stored. `owner` None reads for an admin: everything."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    def of(self, owner: str | None) -> views.Storage:
        """Return bytes and objects by owner, kind, data set and job, largest first, and what the trash holds."""
        lists: dict[str, list[dict[str, Any]]] = {}
        with self._engine.connect() as connection:
            for row in connection.execute(STORAGE, {"owner": owner, "most": MOST}).mappings():
                lists.setdefault(row["list"], []).append(dict(row))
        return storage_view(lists)
