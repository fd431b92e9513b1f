"""From a multipart form to a data set: spooled, packed by a separate process, stored, and only then inserted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog
from flask import Request
from sqlalchemy.exc import SQLAlchemyError

from api.http.language import tell
from api.http.problems import ProblemError
from api.schemas.forms import NewDataset
from api.uploads.multipart import read_form
from api.uploads.packer import hung_up, pack
from api.uploads.spool import MARK, Spool, no_room
from models.ids import new_id
from models.messages import Message, ServiceFaults
from models.views import ImportedDataset
from stores.accounts.keys import Principal
from stores.container import Stores
from stores.datasets.uploads import NewUpload
from stores.infra.errors import StoreError

log = structlog.get_logger(__name__)

# Limits of one API process. More clients may send than are packed: sending uses the network, packing a core.
MOST_SENDING = 8
MOST_PACKING = 2
TURN_S = 300.0


class Importer:
    """Imports uploads. A failed upload leaves nothing behind: no file, no object, no row."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._limit = stores.infra.settings.max_upload_bytes
        self.spool = Spool(stores.infra.settings.home)
        self.sending = threading.BoundedSemaphore(MOST_SENDING)
        self.packing = threading.BoundedSemaphore(MOST_PACKING)

    def take(self, request: Request, who: Principal) -> ImportedDataset:
        """Return the new data set, with notes on what was done to its pictures.

        Raises:
            ProblemError: whatever is wrong with the form or the archive; 413, 503.
            ConflictError: the name is taken.
            QuotaError: the owner stores as much as the key allows.
            BlobError: the object store does not answer.
        """
        length = request.content_length or 0
        # Checked before anything is read. Beyond the limit, reading stops with the same answer.
        if self.spool.room() < length <= self._limit:
            raise no_room()
        with _turn(self.sending, 0), self.spool.folder() as folder:
            asked = read_form(request, NewDataset, folder, self._limit)
            self._stores.datasets.uploads.check(who, asked.name)
            with _turn(self.packing, TURN_S):
                facts = pack(folder, asked.file, asked.size, asked.skip_damaged, lambda: hung_up(request.environ))
            # The uploaded file is no longer needed and may be large.
            asked.file.unlink()
            return self._store(folder, who, asked.name, facts)

    def _store(self, folder: Path, who: Principal, name: str, facts: dict[str, Any]) -> ImportedDataset:
        uploads = self._stores.datasets.uploads
        notes = [Message.of(note) for note in facts.pop("notes")]
        dataset_id = new_id("ds")
        packed, preview = uploads.keys(dataset_id)
        mark = folder / MARK
        mark.write_text(dataset_id)
        try:
            self._stores.infra.blobs.put(packed, folder / "packed.safetensors", "application/octet-stream")
            self._stores.infra.blobs.put(preview, folder / "preview.png", "image/png")
            new = NewUpload(dataset_id, name, who.owner, object_key=packed, preview_key=preview, **facts)
            view = uploads.add(new, who)
        finally:
            # Checked in the database: after a connection broke during the commit, the outcome is unknown.
            self._settle(mark)
        log.info("dataset_imported", dataset=dataset_id, owner=who.owner, images=facts["images"], bytes=facts["bytes"])
        return {**view, "notes": [tell(note) for note in notes if note is not None]}

    def _settle(self, mark: Path) -> None:
        """Remove the objects without a row; if database or object store are down, leave the mark for later."""
        try:
            self._stores.datasets.uploads.forget_unless_kept(mark.read_text())
        except (StoreError, SQLAlchemyError) as error:
            log.warning("upload_not_settled", folder=mark.parent.name, error=str(error).partition("\n")[0])
        else:
            mark.unlink()

    def tidy(self) -> None:
        """Clean up after dead processes, and remove objects whose earlier removal failed."""
        for folder in self.spool.abandoned():
            self._settle(folder / MARK)
        try:
            self._stores.datasets.uploads.clear_deleted()
        except SQLAlchemyError as error:
            log.warning("deleted_not_cleared", error=str(error).partition("\n")[0])


@contextmanager
def _turn(line: threading.BoundedSemaphore, patience_s: float) -> Iterator[None]:
    if not line.acquire(timeout=patience_s or 0.001):
        raise ProblemError("unavailable", ServiceFaults.uploads_under_way(), headers={"Retry-After": "30"})
    try:
        yield
    finally:
        line.release()
