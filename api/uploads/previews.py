"""Previews of built-in and discovered data sets, and the number of images of each class, made once.

It happens beside the requests, from the start of an API process on, in a process of its own as uploads are packed in.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from sqlalchemy.exc import SQLAlchemyError

from api.http.problems import ProblemError
from api.uploads.packer import complaints, last_word, run
from api.uploads.spool import Spool
from models.files import try_lock
from models.messages import Message
from stores.container import Stores
from stores.datasets.discovery import standing_folder
from stores.datasets.previews import Row
from stores.infra.errors import StoreError

log = structlog.get_logger(__name__)

# Between two looks at whether to go on, and between tries while the database or the object store does not answer.
LOOK_S = 0.5
AGAIN_S = (2.0, 5.0, 15.0, 60.0)


class PreviewMaker:
    """Makes missing previews.

    While a store does not answer, it tries again. What fails for one data set is logged and tried at the next start.
    """

    def __init__(self, stores: Stores, spool: Spool) -> None:
        self._stores = stores
        self._spool = spool
        self._lock = stores.infra.settings.home.absolute() / "previews.lock"

    def start(self, alive: Callable[[], bool] = lambda: True) -> threading.Thread:
        """Start a thread that ends when all previews exist, or when the process is no longer `alive`."""
        thread = threading.Thread(target=self._make_quietly, args=(alive,), name="previews", daemon=True)
        thread.start()
        return thread

    def make(self, alive: Callable[[], bool] = lambda: True) -> int:
        """Make all missing previews; return how many were made. Only one process per home does this at a time.

        Raises:
            SQLAlchemyError, StoreError: database or object store do not answer.
        """
        with self._alone() as alone:
            lacking = self._stores.datasets.previews.lacking() if alone else []
            return sum(self._look(row, alive) for row in lacking if alive())

    def _make_quietly(self, alive: Callable[[], bool]) -> None:
        waits = iter(AGAIN_S)
        while alive():
            try:
                self.make(alive)
                return
            except (SQLAlchemyError, StoreError, OSError) as error:
                log.warning("previews_not_made", error=str(error).partition("\n")[0])
            end = time.monotonic() + next(waits, AGAIN_S[-1])
            while alive() and time.monotonic() < end:
                time.sleep(LOOK_S)

    def _look(self, row: Row, alive: Callable[[], bool]) -> bool:
        standing = standing_folder(row, self._stores.infra.settings.roots)
        if standing is None:
            return False  # this host lacks the data root; another one may have it
        facts = {"folder": str(standing.absolute()), **{name: row[name] for name in ("layout", "shape", "classes")}}
        try:
            with self._spool.folder() as folder:
                preview = folder / "preview.png"
                order = {"standing": facts, "preview": str(preview)}
                code = run(folder, order, lambda: not alive())
                last = last_word(code, folder)
                if last.get("type") == "done":
                    return self._stores.datasets.previews.keep(row, preview, last["class_counts"])
                reason = (
                    str(Message.of(last.get("summary")) or "")
                    or last.get("reason")
                    or complaints(folder)
                    or f"ended with {code}"
                )
        except ProblemError as error:
            reason = str(error)
        if not alive():
            return False
        log.warning("data_set_not_shown", name=row["name"], folder=str(standing), reason=reason)
        return False

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        with try_lock(self._lock) as alone:
            yield alone
