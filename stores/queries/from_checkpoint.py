"""Jobs that were made from the checkpoints of a training: samplings and evaluations. Read-only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from sqlalchemy import RowMapping, TextClause, text


def made_from(kind: Literal["sample", "evaluate"]) -> TextClause:
    """Return the query for the newest jobs of a kind made from `:job`, with `checkpoint_step` and `checkpoint_epoch`.

    The kind is literal, so that a prepared statement can use the partial index over such jobs.
    """
    return text(f"""
SELECT jobs.*, checkpoint.step AS checkpoint_step, checkpoint.epoch AS checkpoint_epoch
  FROM jobs LEFT JOIN artifacts AS checkpoint ON checkpoint.id = jobs.source_artifact
 WHERE jobs.kind = '{kind}' AND jobs.source ->> 'job' = :job AND jobs.trashed_at IS NULL
   AND (cast(:owner AS text) IS NULL OR jobs.owner = cast(:owner AS text))
 ORDER BY jobs.created_at DESC, jobs.id DESC
 LIMIT :limit
""")  # noqa: S608 - a word of this program


def place(row: RowMapping | Mapping[Any, Any]) -> dict[str, Any] | None:
    """Return step and epoch of the checkpoint that a job was made from; None once it is no longer kept."""
    if row["source_artifact"] is None:
        return None
    return {"step": row["checkpoint_step"], "epoch": row["checkpoint_epoch"]}
