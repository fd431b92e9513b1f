"""Which checkpoints a job keeps."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, literal, or_, select
from sqlalchemy.orm import aliased

from models.rows import Artifact, Dataset, Extractor, Job
from models.states import TERMINAL
from stores.infra.doomed import delete_artifacts, doomed_keys

ENDED = [str(state) for state in TERMINAL]
# Orders files by what was stored last. Not by their ids alone: these say what the worker's clock said, and the next
# attempt may run on a machine whose clock is behind. Only checkpoints have an ordinal, and very old ones have none.
NEWEST_FIRST = (Artifact.ordinal.desc().nulls_last(), Artifact.created_at.desc(), Artifact.id.desc())


def not_every_nth(every: int) -> ColumnElement[bool]:
    """Match checkpoints that are not among each `every`-th, which are kept (0: none of these are kept)."""
    if every == 0:
        return literal(True)
    return or_(Artifact.ordinal.is_(None), Artifact.ordinal % every != 0)


def promised() -> ColumnElement[bool]:
    """Return the SQL condition that an unfinished job needs an artifact, or that it is the extractor of a data set.

    Whoever deletes artifacts locks their rows first and asks this in the next statement: a job that names one meanwhile
    comes before, and counts, or waits and finds it gone (stores/jobs/insert.py).
    """
    needing, making = aliased(Job), aliased(Job)
    needed = (
        select(literal(1))
        .where(needing.source_artifact == Artifact.id, needing.state.not_in(ENDED))
        .correlate(Artifact)
        .exists()
    )
    # The extractor of a data set that was deleted is needed no more.
    extractor = (
        select(literal(1))
        .select_from(Extractor)
        .join(making, making.id == Extractor.job_id)
        .join(Dataset, Dataset.id == Extractor.dataset_id)
        .where(
            Extractor.job_id == Artifact.job_id,
            func.coalesce(making.best_checkpoint, making.latest_checkpoint) == Artifact.id,
            Dataset.deleted_at.is_(None),
        )
        .correlate(Artifact)
        .exists()
    )
    return or_(needed, extractor)


def prune(connection: Connection, job: Row[Any], keep: int, every: int) -> list[str]:
    """Delete a job's surplus checkpoints (`Attempts.prune_checkpoints`); return the keys of their objects."""
    mine = (Artifact.job_id == job.id, Artifact.kind == "checkpoint")
    newest = select(Artifact.id).where(*mine).order_by(*NEWEST_FIRST).limit(keep)
    needed = [one for one in (job.best_checkpoint, job.latest_checkpoint) if one is not None]
    surplus = select(Artifact.id).where(
        *mine, Artifact.id.not_in(newest.scalar_subquery()), Artifact.id.not_in(needed), not_every_nth(every)
    )
    locked = connection.scalars(surplus.with_for_update(skip_locked=True)).all()
    return doomed_keys(delete_artifacts(connection, Artifact.id.in_(locked), ~promised()))
