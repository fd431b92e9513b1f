"""Evaluations: of a training job, of all generators of a data set; and trainings whose quality falls. Read-only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Engine, text

from models.views import job_view, rfc3339
from stores.queries.from_checkpoint import made_from, place

OF_A_JOB = made_from("evaluate")
# The newest evaluation of each of several jobs. As in the texts below, the kind is literal, so that prepared statements
# can use the partial indexes over evaluations.
NEWEST = text("""
SELECT newest.* FROM unnest(cast(:jobs AS text[])) AS wanted (id)
 CROSS JOIN LATERAL (
    SELECT * FROM jobs
     WHERE kind = 'evaluate' AND source ->> 'job' = wanted.id AND state = 'succeeded' AND result IS NOT NULL
       AND trashed_at IS NULL
       AND (cast(:owner AS text) IS NULL OR owner = cast(:owner AS text))
     ORDER BY created_at DESC, id DESC LIMIT 1) AS newest
""")
# The evaluations against a data set by extractor: how many, and the newest.
EXTRACTORS = text("""
SELECT extractor AS sha256, count(*) AS count, max(id) AS newest,
       (array_agg(result -> 'extractor' ->> 'name' ORDER BY id DESC))[1] AS name
  FROM jobs
 WHERE dataset_id = :dataset AND kind = 'evaluate' AND state = 'succeeded' AND fd_ratio IS NOT NULL
   AND trashed_at IS NULL
   AND (cast(:owner AS text) IS NULL OR owner = cast(:owner AS text))
 GROUP BY extractor
 ORDER BY newest DESC
""")
# The best evaluation of each generator, or of each data set of images, best first: those without a fault, and then by
# the ratio, which copies improve. An owner's evaluation can be that of another owner's job, asked for with an admin's
# key: the name of that job is not shown.
RANKING = text("""
WITH best AS (
    SELECT DISTINCT ON (coalesce(source ->> 'job', source_dataset)) *, result -> 'verdicts' <> '[]' AS faulty
      FROM jobs
     WHERE dataset_id = :dataset AND kind = 'evaluate' AND state = 'succeeded' AND fd_ratio IS NOT NULL
       AND extractor = :extractor AND trashed_at IS NULL
       AND (source_dataset IS NOT NULL OR EXISTS (
          SELECT 1 FROM jobs AS kept WHERE kept.id = jobs.source ->> 'job' AND kept.trashed_at IS NULL))
       AND (cast(:owner AS text) IS NULL OR owner = cast(:owner AS text))
     ORDER BY coalesce(source ->> 'job', source_dataset), faulty, fd_ratio, id DESC
)
SELECT best.*, judged.name AS judged_name, judged.recipe AS judged_recipe, judged.created_at AS judged_at,
       checkpoint.step AS checkpoint_step, checkpoint.epoch AS checkpoint_epoch
  FROM best
  LEFT JOIN jobs AS judged ON judged.id = best.source ->> 'job'
   AND (cast(:owner AS text) IS NULL OR judged.owner = cast(:owner AS text))
  LEFT JOIN artifacts AS checkpoint ON checkpoint.id = best.source_artifact
 ORDER BY best.faulty, best.fd_ratio, best.id
 LIMIT :limit
""")
# Trainings on a data set with a checkpoint and without a finished evaluation, newest first, with the newest try. What
# an admin has evaluated belongs to the admin: for the owner of the training it does not exist.
NEVER = text("""
SELECT jobs.*, newest.id AS tried, newest.state AS tried_state
  FROM jobs
  LEFT JOIN LATERAL (
     SELECT id, state FROM jobs AS judging
      WHERE judging.kind = 'evaluate' AND judging.source ->> 'job' = jobs.id AND judging.trashed_at IS NULL
        AND (cast(:owner AS text) IS NULL OR judging.owner = cast(:owner AS text))
      ORDER BY judging.created_at DESC, judging.id DESC LIMIT 1) AS newest ON true
 WHERE jobs.dataset_id = :dataset AND jobs.kind = 'train' AND jobs.latest_checkpoint IS NOT NULL
   AND jobs.trashed_at IS NULL
   AND jobs.recipe = ANY(cast(:recipes AS text[]))
   AND (cast(:owner AS text) IS NULL OR jobs.owner = cast(:owner AS text))
   AND NOT EXISTS (
     SELECT 1 FROM jobs AS judging
      WHERE judging.kind = 'evaluate' AND judging.source ->> 'job' = jobs.id AND judging.dataset_id = :dataset
        AND judging.fd_ratio IS NOT NULL AND judging.trashed_at IS NULL
        AND (cast(:owner AS text) IS NULL OR judging.owner = cast(:owner AS text)))
 ORDER BY jobs.created_at DESC, jobs.id DESC
 LIMIT :limit
""")
# Running trainings whose last two measurements are far above their best. Measured figures stand in epoch events.
FALLEN = text("""
SELECT jobs.id, jobs.name, jobs.recipe, told.latest, told.best
  FROM jobs CROSS JOIN LATERAL (
     SELECT min(ratio) AS best, (array_agg(ratio ORDER BY seq DESC))[1] AS latest,
            (array_agg(ratio ORDER BY seq DESC))[2] AS before
       FROM (SELECT seq, cast(data ->> 'fd_ratio' AS float8) AS ratio FROM events
              WHERE job_id = jobs.id AND type <> 'metric' AND type = 'epoch'
              ORDER BY seq DESC LIMIT :epochs) AS epochs
      WHERE ratio IS NOT NULL) AS told
 WHERE jobs.state = 'running' AND jobs.kind = 'train'
   AND (cast(:owner AS text) IS NULL OR jobs.owner = cast(:owner AS text))
   AND least(told.latest, told.before) > :times * told.best
 ORDER BY told.latest / told.best DESC, jobs.id
 LIMIT :limit
""")
# Measurements of one generator differ by less than this, from one epoch to the next.
CLEARLY = 1.5
# Epochs that are looked at.
LATELY = 400


class Evaluations:
    """Reads evaluations. `owner` None reads for an admin: everything."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    def of(self, job_id: str, owner: str | None, limit: int) -> list[dict[str, Any]]:
        """Return up to `limit` evaluations of a training job, newest first.

        Each is a job as shown to readers, with `judged`, the step and epoch of its checkpoint; None once that is no
        longer kept.
        """
        with self._engine.connect() as connection:
            found = connection.execute(OF_A_JOB, {"job": job_id, "owner": owner, "limit": limit}).mappings()
            return [{**job_view(row), "judged": place(row)} for row in found]

    def newest(self, job_ids: Sequence[str], owner: str | None) -> dict[str, dict[str, Any]]:
        """Return the newest successful evaluation of each training job that has one, by the job's id."""
        with self._engine.connect() as connection:
            found = connection.execute(NEWEST, {"jobs": list(job_ids), "owner": owner}).mappings().all()
        return {row["source"]["job"]: dict(job_view(row)) for row in found}

    def extractors(self, dataset_id: str, owner: str | None) -> list[dict[str, Any]]:
        """Return the extractors behind the evaluations against a data set: sha256, name and count; newest first."""
        with self._engine.connect() as connection:
            found = connection.execute(EXTRACTORS, {"dataset": dataset_id, "owner": owner}).mappings()
            return [dict(row) for row in found]

    def ranking(self, dataset_id: str, extractor: str, owner: str | None, limit: int) -> list[dict[str, Any]]:
        """Return the best evaluation of each generator against a data set, best first; faulty ones stand last.

        Each is a job as shown to readers, with `judged` (step and epoch of the checkpoint) and `generator` (name,
        recipe and `created_at` of the job that was judged; None for a data set of images, and for a job that `owner`
        may not read).
        """
        asked = {"dataset": dataset_id, "extractor": extractor, "owner": owner, "limit": limit}
        with self._engine.connect() as connection:
            found = connection.execute(RANKING, asked).mappings()
            return [{**job_view(row), "judged": place(row), "generator": _generator(row)} for row in found]

    def never(self, dataset_id: str, recipes: Sequence[str], owner: str | None, limit: int) -> list[dict[str, Any]]:
        """Return trainings of these recipes on a data set that could be evaluated and never were, newest first.

        Each is a job as shown to readers, with `tried`, the id and state of its newest evaluation, if any.
        """
        asked = {"dataset": dataset_id, "recipes": list(recipes), "owner": owner, "limit": limit}
        with self._engine.connect() as connection:
            found = connection.execute(NEVER, asked).mappings()
            return [{**job_view(row), "tried": _tried(row)} for row in found]

    def fallen(self, owner: str | None, limit: int) -> list[dict[str, Any]]:
        """Return running trainings whose quality fell: id, name, recipe, and the `latest` and `best` `fd_ratio`."""
        asked = {"owner": owner, "limit": limit, "times": CLEARLY, "epochs": LATELY}
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(FALLEN, asked).mappings()]


def _generator(row: Mapping[Any, Any]) -> dict[str, Any] | None:
    """Return the training job that was judged; None where it was a data set, or may not be read."""
    if row["judged_at"] is None:
        return None
    return {
        "name": row["judged_name"],
        "recipe": row["judged_recipe"],
        "created_at": rfc3339(row["judged_at"]),
    }


def _tried(row: Mapping[Any, Any]) -> dict[str, Any] | None:
    return None if row["tried"] is None else {"id": row["tried"], "state": row["tried_state"]}
