"""The sweeper's periodic tasks, in a thread of their own: retention and the search for orphans, each in rounds.

It runs in a thread, since an object store that hangs must not keep the sweeper from taking back lost jobs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from stores.container import Stores
from stores.events.curve_levels import CHORE
from stores.infra.errors import BlobError
from stores.jobs.trash import EXPIRED
from stores.maintenance import policies
from stores.maintenance.periodic import Round

log = structlog.get_logger(__name__)

Work = Callable[[str], Round]

SOON_S = 10.0


def _counted(done: int, most: int) -> Round:
    return Round(done, more=done == most)


class Housekeeping:
    """Runs the periodic tasks that are due."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Stop after the current round."""
        self._stopping.set()
        self._thread.join(timeout=10)

    def once(self) -> bool:
        """Run one round of each task that is due. Returns whether any did something and may have more to do."""
        busy = False
        for name, every_s, work in self._chores():
            cursor = self._stores.maintenance.periodic.take(name, self._stores.infra.settings.chore_s)
            if cursor is None:
                continue
            started = time.monotonic()
            found = work(cursor)
            self._stores.maintenance.periodic.finish(name, found, time.monotonic() - started, every_s)
            if found.done:
                log.info("chore_done", chore=name, done=found.done, bytes=found.bytes)
            busy = busy or found.more
        return busy

    def _chores(self) -> list[tuple[str, float, Work]]:
        """Return the tasks that the settings enable: name, interval, and the function of one round."""
        stores, settings = self._stores, self._stores.infra.settings
        retention, orphans = stores.maintenance.retention, stores.maintenance.orphans
        # Walking all objects and all rows loads the object store, and orphans are rare. So are curves without levels.
        # Who deletes something waits for the room: its objects go soon.
        soon, often, seldom = min(SOON_S, settings.chore_s), settings.chore_s, settings.walk_s
        chores: list[tuple[str, float, Work]] = [
            ("ended_sessions", often, lambda _: Round(stores.accounts.sessions.forget_ended())),
            ("ended_shares", often, lambda _: Round(stores.accounts.shares.forget_ended())),
            ("expired_trash", often, lambda _: _counted(stores.jobs.trash.purge_expired(), EXPIRED)),
            ("purged_jobs", soon, lambda _: stores.maintenance.purge.remove()),
            ("doomed_objects", soon, stores.maintenance.doomed_objects.remove),
            ("old_deliveries", often, lambda _: Round(stores.webhooks.deliveries.forget_old())),
            ("trainer_logs", soon, lambda _: stores.trainer_logs.archive.of_ended()),
            ("orphan_objects", seldom, lambda cursor: orphans.remove_objects(cursor, settings.orphan_age_s)),
            ("missing_objects", seldom, orphans.mark_missing),
            (policies.CHORE, seldom, stores.maintenance.policies.apply),
            (CHORE, seldom, stores.maintenance.curves.make_levels),
        ]
        if days := settings.thin_after_days:
            every = settings.keep_every_checkpoint
            chores.append(("old_checkpoints", often, lambda cursor: retention.thin_checkpoints(cursor, days, every)))
        if files := settings.keep_artifacts_days:
            chores.append(("old_artifacts", often, lambda _: retention.remove_old_artifacts(files)))
        if told := settings.keep_events_days:
            chores.append(("old_events", often, lambda cursor: retention.remove_old_events(cursor, told)))
        return chores

    def _run(self) -> None:
        while not self._stopping.is_set():
            busy = False
            try:
                busy = self.once()
            except SQLAlchemyError as error:
                log.warning("housekeeping_failed", error=str(error).splitlines()[0][:200])
            except BlobError as error:
                # The round did not finish, so its cursor stays unchanged.
                log.warning("housekeeping_failed", error=str(error))
            self._stopping.wait(0.0 if busy else min(1.0, self._stores.infra.settings.chore_s))
