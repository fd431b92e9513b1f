"""The cache of uploaded data sets on this machine's disk: downloaded once, verified, shared by its supervisors. The
least recently used ones are removed first.
"""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog
from filelock import FileLock, Timeout

from models import views
from models.disk import look_as_cache
from models.files import try_lock
from models.messages import Ends, MessageError
from stores.container import Stores
from stores.infra.errors import NotFoundError
from worker.outages import GivenUpError, patiently

log = structlog.get_logger(__name__)

_ENDING = ".safetensors"
_PART = ".part"
_LOOK_S = 0.2


class UnfetchableError(MessageError):
    """The data set cannot be fetched, now or later; the message gives the reason and a remedy."""


class Cache:
    """A folder of packed files, named after their sha256. Each has a lock, so that two workers fetch it once."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._folder = stores.infra.settings.home.absolute() / "cache" / "datasets"
        self._limit = stores.infra.settings.cache_bytes
        self._reserve = stores.infra.settings.disk_reserve_bytes

    def fetch(self, row: views.Dataset, scratch: Path, given_up: threading.Event, name: str = "dataset") -> Path:
        """Return the packed file of an uploaded data set, under a `name` of the attempt's own in `scratch`.

        That second name, a hard link, keeps the bytes for as long as the attempt runs, even if the cache drops the
        file.

        Raises:
            UnfetchableError: the data set was deleted, or its object is not what was stored.
            OSError: the disk is full, but for its reserve.
            GivenUpError: the attempt was asked to end in the meantime.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sha256 = row["sha256"]
        assert sha256 is not None  # noqa: S101 - an uploaded data set has it since it can be trained on
        kept = self._folder / f"{sha256}{_ENDING}"
        with self._locked(sha256, given_up):
            if not kept.is_file() or kept.stat().st_size != row["bytes"]:
                kept.unlink(missing_ok=True)
                self._make_room(int(row["bytes"]))
                self._download(row, kept, given_up)
            os.utime(kept)
            own = scratch / f"{name}{_ENDING}"
            own.unlink(missing_ok=True)
            try:
                os.link(kept, own)
            except OSError:
                # This file system has no hard links: the file is only the most recently used one, and removed last.
                return kept
            return own

    def _download(self, row: views.Dataset, kept: Path, given_up: threading.Event) -> None:
        key = patiently(lambda: self._stores.datasets.uploads.packed_key(row["id"]), given_up)
        if key is None:
            raise UnfetchableError(Ends.dataset_deleted(name=row["name"]))
        part = kept.with_suffix(_PART)

        def get() -> None:
            digest = hashlib.sha256()
            with part.open("wb") as file:
                for chunk in self._stores.infra.blobs.stream(key):
                    if given_up.is_set():
                        raise GivenUpError
                    digest.update(chunk)
                    file.write(chunk)
            if digest.hexdigest() != row["sha256"]:
                raise UnfetchableError(Ends.dataset_damaged(name=row["name"]))

        try:
            patiently(get, given_up)
        except NotFoundError as error:
            raise UnfetchableError(Ends.dataset_gone(name=row["name"])) from error
        else:
            part.replace(kept)
            log.info("dataset_fetched", dataset=row["id"], bytes=row["bytes"])
        finally:
            part.unlink(missing_ok=True)

    def _make_room(self, need: int) -> None:
        """Remove the least recently used files until so many more bytes fit the limit, and the disk beside its reserve.

        Raises:
            OSError: the disk has no room for them.
        """
        for part in self._folder.glob(f"*{_PART}"):
            with try_lock(part.with_suffix(".lock")) as free:
                if free:  # left by a worker that was killed
                    part.unlink(missing_ok=True)
        files = []
        for path in self._folder.glob(f"*{_ENDING}"):
            with suppress(FileNotFoundError):
                files.append((path.stat(), path))
        files.sort(key=lambda one: one[0].st_mtime)
        total = need + sum(facts.st_size for facts, _ in files)
        for facts, path in files:
            if total <= self._limit and self._has_room(need):
                return
            with try_lock(path.with_suffix(".lock")) as free:
                # A second hard link means that an attempt is using it.
                if free and path.is_file() and path.stat().st_nlink == 1:
                    path.unlink()
                    total -= facts.st_size
                    log.info("dataset_thrown_out", file=path.name, bytes=facts.st_size)
        if not self._has_room(need):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._folder))

    def _has_room(self, need: int) -> bool:
        return look_as_cache(self._folder, self._reserve).spare >= need

    @contextmanager
    def _locked(self, sha256: str, given_up: threading.Event) -> Iterator[None]:
        lock = FileLock(self._folder / f"{sha256}.lock")
        try:
            held = lock.acquire(poll_interval=_LOOK_S, cancel_check=given_up.is_set)
        except Timeout:
            raise GivenUpError from None
        with held:
            yield
