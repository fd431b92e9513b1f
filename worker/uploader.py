"""Uploads an attempt's files during the training, in order: first the object, then its row and event."""

from __future__ import annotations

import queue
import threading

import structlog

from models import wire
from models.ids import new_id
from stores.container import Stores
from stores.infra.blobs import sha256_of
from stores.infra.failpoints import reach
from stores.jobs.attempts import NewArtifact
from stores.jobs.transitions import Claim
from worker.outages import GivenUpError, patiently

log = structlog.get_logger(__name__)


class Uploader:
    """A thread with a queue of files. An error ends it, and is then in `failed`."""

    def __init__(self, stores: Stores, claim: Claim) -> None:
        self._stores = stores
        self._claim = claim
        self._files: queue.SimpleQueue[wire.File | None] = queue.SimpleQueue()
        self._given_up = threading.Event()
        self.failed: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"upload-{claim.job_id}", daemon=True)
        self._thread.start()

    def add(self, file: wire.File) -> None:
        """Queue a `file` message of the trainer."""
        self._files.put(file)

    def drain(self, timeout: float | None) -> bool:
        """Wait up to `timeout` seconds until all queued files are stored. Return whether they are."""
        self._files.put(None)
        self._thread.join(timeout)
        finished = not self._thread.is_alive()
        self.abandon()
        return finished and self.failed is None

    def abandon(self) -> None:
        """Drop the files that are not stored yet."""
        self._given_up.set()

    def _run(self) -> None:
        try:
            while (file := self._files.get()) is not None:
                self._store(file)
        except GivenUpError:
            log.warning("uploads_given_up", job=self._claim.job_id)
        except Exception as error:
            # The attempt's loop checks this and ends the attempt with the error.
            log.exception("upload_failed", job=self._claim.job_id)
            self.failed = error

    def _store(self, file: wire.File) -> None:
        path, content_type = file.path, file.content_type
        artifact_id = new_id("art")
        new = NewArtifact(
            id=artifact_id,
            kind=file.kind,
            name=path.name,
            step=file.step,
            epoch=file.epoch,
            bytes=path.stat().st_size,
            sha256=sha256_of(path),
            content_type=content_type,
            # The key contains the fence, so no two attempts ever write the same object.
            object_key=f"jobs/{self._claim.job_id}/{self._claim.fence}/{artifact_id}{path.suffix}",
            best=file.best,
        )
        patiently(lambda: self._stores.infra.blobs.put(new.object_key, path, content_type), self._given_up)
        reach("stored")
        patiently(lambda: self._stores.jobs.add_artifact(self._claim, new), self._given_up)
        reach("listed")
        path.unlink(missing_ok=True)
        if new.kind == "checkpoint":
            self._prune()

    def _prune(self) -> None:
        settings = self._stores.infra.settings
        keep, every = settings.keep_checkpoints, settings.keep_every_checkpoint
        patiently(lambda: self._stores.jobs.prune_checkpoints(self._claim, keep, every), self._given_up)
