"""From a multipart form to a data set: spooled, packed by a separate process, stored, and only then inserted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from flask import Request
from sqlalchemy.exc import SQLAlchemyError

from api.http.language import tell
from api.schemas.forms import NewDataset
from api.uploads.ledger import Limits
from api.uploads.multipart import read_form
from api.uploads.packer import PackOrder, hung_up, pack
from api.uploads.spool import MARK, Spool, UploadFolder
from api.uploads.turns import PackingTurns
from models.ids import new_id
from models.messages import Message
from models.views import ImportedDataset
from stores.accounts.keys import Principal
from stores.container import Stores
from stores.datasets.uploads import NewUpload
from stores.infra.errors import StoreError

log = structlog.get_logger(__name__)

# Packers of one API process, and how many of them one owner's uploads take at once: a newcomer finds one free. The
# number of uploads under way is limited too, by settings.
MOST_PACKING = 2
MOST_PACKING_OF_AN_OWNER = 1
TURN_S = 300.0


class Importer:
    """Imports uploads. A failed upload leaves nothing behind: no file, no object, no row."""

    def __init__(self, stores: Stores) -> None:
        settings = stores.infra.settings
        self._stores = stores
        self._limit = settings.max_upload_bytes
        self._deadline_s = settings.upload_deadline_s
        self.spool = Spool(settings.home, Limits.of(settings))
        self.turns = PackingTurns(MOST_PACKING, MOST_PACKING_OF_AN_OWNER)

    def take(self, request: Request, who: Principal) -> ImportedDataset:
        """Return the new data set, with notes on what was done to its pictures.

        Raises:
            ProblemError: whatever is wrong with the form or the archive; 413, 503.
            ConflictError: the name is taken.
            QuotaError: the owner stores as much as the key allows.
            BlobError: the object store does not answer.
        """
        length = request.content_length
        # A body beyond the limit promises nothing: it is refused before it is read, or where it exceeds the limit.
        promised = length if length is not None and length <= self._limit else None
        with self.spool.upload(who.owner, promised) as upload:
            asked = read_form(request, NewDataset, upload.file, self._limit, self._deadline_s)
            self._stores.datasets.uploads.check(who, asked.name)
            upload.promise(0)  # it has come, and only the packer writes
            facts = self._pack(upload, asked, who, lambda: hung_up(request.environ))
            # The uploaded file is no longer needed and may be large.
            asked.file.unlink()
            # The object store may be on the same disk, as in the local stack.
            upload.promise(facts["bytes"])
            return self._store(upload.path, who, asked.name, facts)

    def _pack(
        self, upload: UploadFolder, asked: NewDataset, who: Principal, gone: Callable[[], bool]
    ) -> dict[str, Any]:
        with self.turns.turn(who.owner, TURN_S, gone):
            order = PackOrder(asked.file, asked.size, asked.skip_damaged, upload.reserve(), upload.kept_free())
            return pack(upload.path, order, gone)

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
        """Clean up after dead processes."""
        for folder in self.spool.abandoned():
            self._settle(folder / MARK)
