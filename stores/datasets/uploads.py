"""Uploaded data sets: their rows, and the objects that belong to them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from models import views
from models.messages import Conflicts, Missing, word
from models.rows import Dataset, Job
from models.states import TERMINAL
from models.views import dataset_view
from packing.layouts import KNOWN
from stores.accounts.audit import Entry, Requester, record
from stores.accounts.keys import Principal
from stores.accounts.quotas import Guard
from stores.infra.blobs import Blobs
from stores.infra.doomed import doom
from stores.infra.errors import ConflictError, NotFoundError


@dataclass(frozen=True)
class NewUpload:
    """A packed data set whose objects are already stored."""

    id: str
    name: str
    owner: str
    layout: str
    images: int
    shape: list[int]
    classes: list[str]
    class_counts: list[int] | None
    parts: dict[str, int]
    bytes: int
    sha256: str
    object_key: str
    preview_key: str


class Uploads:
    """A row is written after its objects are stored; objects are removed after the row is marked deleted."""

    def __init__(self, engine: Engine, blobs: Blobs, guard: Guard) -> None:
        self._engine = engine
        self._guard = guard
        self._reader = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._blobs = blobs

    @staticmethod
    def keys(dataset_id: str) -> tuple[str, str]:
        """Return the keys of the packed file and of the preview."""
        return f"datasets/{dataset_id}/packed.safetensors", f"datasets/{dataset_id}/preview.png"

    def check(self, who: Principal, name: str) -> None:
        """Check, before any work is done, that the owner may use this name and store more.

        Raises:
            ConflictError: there is one of this name, theirs or everybody's.
            QuotaError: they store as much as this key allows.
        """
        owner = who.owner
        with self._engine.begin() as connection:
            self._guard.more_stored(connection, owner, 1, who.quotas)
        mine = select(Dataset.owner).where(
            Dataset.name == name,
            Dataset.deleted_at.is_(None),
            or_(Dataset.owner == owner, Dataset.owner.is_(None)),
        )
        with self._reader.connect() as connection:
            taken = connection.execute(mine).first()
        if name in KNOWN or (taken is not None and taken.owner is None):
            raise ConflictError(Conflicts.name_shared(name=name))
        if taken is not None:
            raise _taken(name)

    def add(self, new: NewUpload, who: Principal) -> views.Dataset:
        """Write the row; return the data set.

        Raises:
            ConflictError: the owner has one of this name.
            QuotaError: with it they would store more than this key allows.
        """
        row = insert(Dataset).values(**vars(new), source="uploaded", state="ready").returning(*Dataset.__table__.c)
        try:
            with self._engine.begin() as connection:
                self._guard.more_stored(connection, new.owner, new.bytes, who.quotas)
                view = dataset_view(connection.execute(row).mappings().one())
                record(connection, who, Entry("dataset.upload", new.id, None, _facts(view)))
                return view
        except IntegrityError as error:
            raise _taken(new.name) from error

    def delete(self, dataset_id: str, who: Requester) -> None:
        """Mark an uploaded data set as deleted: no job may name it any more, and its name is free.

        Raises:
            NotFoundError: there is none, or it is somebody else's.
            ConflictError: it came with the service, or an unfinished job needs it.
        """
        owner = who.reads
        mine = or_(Dataset.owner.is_(None), Dataset.owner == owner) if owner is not None else Dataset.id.is_not(None)
        # A job that uses it locks the row too, through its foreign key: it is counted here, or finds the row deleted.
        chosen = select(*Dataset.__table__.c).where(Dataset.id == dataset_id, Dataset.deleted_at.is_(None), mine)
        with self._engine.begin() as connection:
            row = connection.execute(chosen.with_for_update()).first()
            if row is None:
                raise NotFoundError(Missing.no_dataset(dataset=dataset_id))
            if row.source != "uploaded":
                raise ConflictError(Conflicts.not_uploaded(source=word(row.source)))
            states = [str(state) for state in TERMINAL]
            used = or_(Job.dataset_id == dataset_id, Job.source_dataset == dataset_id)
            needing = select(func.count()).where(used, Job.state.not_in(states))
            if busy := connection.scalar(needing):
                raise ConflictError(Conflicts.dataset_needed(count=busy))
            gone = {"deleted_at": func.now(), "object_key": None, "preview_key": None}
            connection.execute(update(Dataset).where(Dataset.id == dataset_id).values(gone))
            # The bytes of a data set are those of its packed file.
            sizes = ((row.object_key, row.bytes), (row.preview_key, 0))
            doom(connection, ((key, size) for key, size in sizes if key is not None))
            record(connection, who, Entry("dataset.delete", dataset_id, _facts(dataset_view(row._mapping)), None))

    def forget_unless_kept(self, dataset_id: str) -> None:
        """Remove the objects stored under an id for which no row was written.

        Raises:
            BlobError: the object store does not answer.
        """
        with self._reader.connect() as connection:
            if connection.scalar(select(Dataset.id).where(Dataset.id == dataset_id)) is None:
                self._remove(dataset_id)

    def preview_key(self, dataset_id: str, owner: str | None) -> str | None:
        """Return the key of a data set's preview, None if it has none.

        Raises:
            NotFoundError: there is no such data set, or it is somebody else's.
        """
        mine = or_(Dataset.owner.is_(None), Dataset.owner == owner) if owner is not None else Dataset.id.is_not(None)
        query = select(Dataset.preview_key).where(Dataset.id == dataset_id, Dataset.deleted_at.is_(None), mine)
        with self._reader.connect() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise NotFoundError(Missing.no_such_dataset())
        key: str | None = row.preview_key
        return key

    def packed_key(self, dataset_id: str) -> str | None:
        """Return the key of a data set's packed file, for workers; None when there is none or it was deleted."""
        query = select(Dataset.object_key).where(Dataset.id == dataset_id, Dataset.deleted_at.is_(None))
        with self._reader.connect() as connection:
            return connection.scalar(query)

    def _remove(self, dataset_id: str) -> None:
        for key in self.keys(dataset_id):
            with suppress(NotFoundError):
                self._blobs.remove(key)


def _facts(view: Mapping[str, Any]) -> dict[str, Any]:
    return {name: view[name] for name in ("name", "owner", "images", "bytes", "sha256")}


def _taken(name: str) -> ConflictError:
    return ConflictError(Conflicts.name_taken(name=name))
