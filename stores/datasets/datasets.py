"""The data sets that jobs can use."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Select, Text, and_, bindparam, literal, or_, select, tuple_

from models import views
from models.rows import Dataset, Extractor, Job
from models.states import State
from models.views import dataset_view
from stores.datasets import discovery

# Data sets, each with the extractor that a job has made for it, if any.
WITH_EXTRACTORS = (
    select(
        *Dataset.__table__.columns,
        Job.id.label("extractor_job"),
        Extractor.sha256.label("extractor_sha256"),
        Extractor.accuracy.label("extractor_accuracy"),
    )
    .outerjoin(Extractor, Extractor.dataset_id == Dataset.id)
    .outerjoin(Job, and_(Job.id == Extractor.job_id, Job.state == State.succeeded, Job.trashed_at.is_(None)))
)


class Datasets:
    """Registers and finds data sets. `owner` None reads for an admin: everything."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.execution_options(isolation_level="AUTOCOMMIT")

    def register_known(self, roots: Sequence[Path]) -> None:
        """Write rows for the built-in data set and for those below a data root."""
        discovery.register_known(self._engine, roots)

    def find(self, name_or_id: str, owner: str | None) -> views.Dataset | None:
        """Return the data set with this name or id that the owner may use; their own come before shared ones."""
        asked = {"wanted": name_or_id, **({} if owner is None else {"owner": owner})}
        with self._reader.connect() as connection:
            row = connection.execute(_by_name_or_id(owner is None), asked).mappings().first()
        return None if row is None else dataset_view(row)

    def page(self, owner: str | None, limit: int, before: tuple[datetime, str] | None) -> list[views.Dataset]:
        """Return up to `limit` data sets, newest first."""
        query = WITH_EXTRACTORS.where(_visible(owner))
        if before is not None:
            place = tuple_(literal(before[0]), literal(before[1]))
            query = query.where(tuple_(Dataset.created_at, Dataset.id) < place)
        with self._reader.connect() as connection:
            ordered = query.order_by(Dataset.created_at.desc(), Dataset.id.desc()).limit(limit)
            return [dataset_view(row) for row in connection.execute(ordered).mappings()]

    def names(self, owner: str | None) -> list[str]:
        """Return the names that a job may use, for error messages."""
        query = select(Dataset.name).where(_visible(owner), Dataset.state == "ready").order_by(Dataset.name)
        with self._reader.connect() as connection:
            return list(connection.scalars(query))


@functools.cache
def _by_name_or_id(everybodys: bool) -> Select[Any]:
    """Build each statement once, because every submitted job executes it."""
    wanted = bindparam("wanted", type_=Text())
    mine = literal(True) if everybodys else or_(Dataset.owner.is_(None), Dataset.owner == bindparam("owner"))
    return (
        WITH_EXTRACTORS.where(or_(Dataset.id == wanted, Dataset.name == wanted), Dataset.deleted_at.is_(None), mine)
        .order_by(Dataset.owner.is_(None))
        .limit(1)
    )


def _visible(owner: str | None) -> Any:
    there = Dataset.deleted_at.is_(None)
    return there if owner is None else and_(there, or_(Dataset.owner.is_(None), Dataset.owner == owner))
