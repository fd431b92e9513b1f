"""Which extractor a data set has: one in the package, one that a job has made or makes, or none.

A data set has one extractor at most. It is made by a job, once for all who use the data set. A job that failed, was
canceled or deleted, or whose checkpoint is gone is followed by a new one, made for the next job that needs the
extractor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, and_, bindparam, case, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from models.extractors import PackagedExtractor, packaged
from models.rows import Artifact, Extractor, Job
from models.states import TERMINAL, State
from stores.accounts.keys import Principal
from stores.jobs.commands import Commands
from stores.jobs.insert import NewJob

# Two requests at once make one extractor: the second waits here until the first has stored its job.
ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('extractor:' || :dataset, 0))")
# What an extractor is loaded from. Once it was used, only the very checkpoint will do: the latest has other weights.
_CHECKPOINT = case(
    (Extractor.sha256.is_(None), func.coalesce(Job.best_checkpoint, Job.latest_checkpoint)),
    else_=Job.best_checkpoint,
)
OF_DATASETS = (
    select(
        Extractor.dataset_id,
        Extractor.job_id,
        Extractor.sha256,
        Extractor.accuracy,
        Job.state,
        Artifact.id.label("checkpoint"),
    )
    .join(Job, Job.id == Extractor.job_id)
    # Without a row, or with one whose object the sweeper did not find, there is nothing to load.
    .outerjoin(Artifact, and_(Artifact.id == _CHECKPOINT, Artifact.missing_since.is_(None)))
    .where(Extractor.dataset_id.in_(bindparam("datasets", expanding=True)), Job.trashed_at.is_(None))
)


@dataclass(frozen=True)
class MadeExtractor:
    """An extractor that a job has made, or is making.

    Attributes:
        job: the job's id, which is also its name.
        checkpoint: the artifact to load it from; None: the job has not ended yet.
        sha256: that of its weights; None: it was not used yet.
        accuracy: the share of test images whose class it names; None: unknown, or it knows no classes.
    """

    job: str
    checkpoint: str | None
    sha256: str | None
    accuracy: float | None


AnyExtractor = PackagedExtractor | MadeExtractor


class Extractors:
    """Finds the extractors of data sets, and has them made."""

    def __init__(self, engine: Engine, jobs: Commands) -> None:
        self._reader = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._jobs = jobs

    def find(self, dataset: Mapping[str, Any]) -> AnyExtractor | None:
        """Return the extractor of a data set: the packaged one, or the one that a job has made or will have made.

        None: there is none, or the job that should have made it failed. `dataset` is its view.
        """
        return packaged(dataset["name"], dataset["source"]) or self.made([dataset["id"]]).get(dataset["id"])

    def at_hand(self, dataset: Mapping[str, Any]) -> AnyExtractor | None:
        """Return the extractor of a data set if it can be used now; None also where its job has not ended yet."""
        found = self.find(dataset)
        return None if isinstance(found, MadeExtractor) and found.checkpoint is None else found

    def made(self, dataset_ids: list[str]) -> dict[str, MadeExtractor]:
        """Return the extractors that jobs have made, or are making, by the ids of the data sets."""
        with self._reader.connect() as connection:
            return _usable(connection, dataset_ids)

    def make(self, dataset_id: str, new: NewJob, targets: str, who: Principal) -> MadeExtractor:
        """Return the data set's extractor; where there is none that can be used, store the job that makes it.

        Args:
            dataset_id: the data set's.
            new: the job that would make it.
            targets: what it would learn to name.
            who: asks for it.

        Raises:
            QuotaError: as many jobs of the owner wait as the key allows.
            ConflictError: the data set was deleted since it was looked up.
        """
        found: list[MadeExtractor] = []

        def there_is_one(connection: Connection) -> bool:
            connection.execute(ONE_AT_A_TIME, {"dataset": dataset_id})
            found.extend(_usable(connection, [dataset_id]).values())
            return bool(found)

        def remember(connection: Connection, job_id: str) -> None:
            values = {"job_id": job_id, "targets": targets, "sha256": None, "accuracy": None}
            row = insert(Extractor).values(dataset_id=dataset_id, **values)
            again = {**values, "created_at": func.now()}
            connection.execute(row.on_conflict_do_update(index_elements=[Extractor.dataset_id], set_=again))
            found.append(MadeExtractor(job_id, None, None, None))

        self._jobs.submit_unless(there_is_one, new, who, remember)
        return found[0]

    def note(self, job_id: str, sha256: str, accuracy: float | None) -> None:
        """Write down what the first user of a made extractor has found it to be."""
        unknown = (Extractor.job_id == job_id, Extractor.sha256.is_(None))
        with self._reader.connect() as connection:
            connection.execute(update(Extractor).where(*unknown).values(sha256=sha256, accuracy=accuracy))

    def forget(self, job_id: str) -> None:
        """Forget the extractor that a job has made: its file cannot be read back, so the next who needs it remakes it.

        What others measured with it stays as it is.
        """
        with self._reader.connect() as connection:
            connection.execute(delete(Extractor).where(Extractor.job_id == job_id))


def _usable(connection: Connection, dataset_ids: list[str]) -> dict[str, MadeExtractor]:
    rows = connection.execute(OF_DATASETS, {"datasets": dataset_ids})
    found = ((row.dataset_id, _extractor(row)) for row in rows)
    return {dataset_id: extractor for dataset_id, extractor in found if extractor is not None}


def _extractor(row: Any) -> MadeExtractor | None:
    """Return the extractor of a row; None where its job ended without one, or its checkpoint is gone."""
    if row.state not in TERMINAL:
        return MadeExtractor(row.job_id, None, row.sha256, row.accuracy)
    if row.state != State.succeeded or row.checkpoint is None:
        return None
    return MadeExtractor(row.job_id, row.checkpoint, row.sha256, row.accuracy)
