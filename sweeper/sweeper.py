"""The sweeper: `celery -A sweeper.sweeper beat -S sweeper.sweeper:Sweeper`.

Celery's beat gives the clock; every tick looks at the rows and mends what no message will mend: leases that ran out,
bells that nobody heard. It needs no broker for that, and two of them do no harm.
"""

from __future__ import annotations

import signal
import time
from types import FrameType
from typing import Any, NoReturn

import structlog
from celery import Celery, signals
from celery.beat import Scheduler, Service
from sqlalchemy.exc import SQLAlchemyError

from stores.container import Stores, open_stores
from stores.infra.broker import make_celery
from stores.infra.logs import configure_logs
from stores.infra.process_start import start_process
from stores.infra.settings import Settings
from stores.jobs import idempotency
from stores.maintenance.periodic import Round
from sweeper.housekeeping import Housekeeping
from sweeper.webhooks.courier import Courier

log = structlog.get_logger(__name__)

# How often a sweep is recorded for the metrics: often enough for an alert, rarely enough to cost nothing.
NOTE_S = 5.0


def sweep(stores: Stores) -> None:
    """Sweep once: end lost attempts and waits in vain, send messages for waiting work, delete old idempotency keys."""
    started = time.monotonic()
    expired = stores.jobs.expire_leases()
    for job_id, state in expired:
        log.warning("lease_expired", job=job_id, state=state)
    for job_id in stores.jobs.end_waits_in_vain():
        log.warning("waited_in_vain", job=job_id)
    for queue in stores.jobs.ring_again(stores.fleet.alive_s):
        log.info("rang_again", queue=queue)
    with stores.infra.engine.begin() as connection:
        idempotency.forget(connection)
    if expired or stores.maintenance.periodic.take("sweep", NOTE_S) is not None:
        stores.maintenance.periodic.finish("sweep", Round(len(expired)), time.monotonic() - started, NOTE_S)


class Sweeper(Scheduler):  # type: ignore[misc]
    """A beat scheduler without a schedule: each tick is a sweep."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._stores: Stores | None = None
        self._told_to_stop = False
        super().__init__(*args, **kwargs)

    def setup_schedule(self) -> None:
        """Open the stores; there are no entries to set up."""
        self._stores = open_stores(Settings(), celery=self.app)
        Housekeeping(self._stores).start()
        Courier(self._stores).start()

    def stop_on_signals(self) -> None:
        """End at the next tick at the latest when SIGTERM or SIGINT arrives.

        Beat's own handler only raises SystemExit, which is lost where Python ignores exceptions, in a weak reference's
        callback for example. Then the sweeper would run on for ever.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def _stop(self, _number: int, _frame: FrameType | None) -> NoReturn:
        self._told_to_stop = True
        raise SystemExit  # out of a database's silence, too

    def tick(self, *_: object, **__: object) -> float:
        """Sweep; return the seconds until the next time.

        Raises:
            SystemExit: a signal said so.
        """
        if self._told_to_stop:
            raise SystemExit
        assert self._stores is not None  # noqa: S101 - beat calls setup_schedule first
        try:
            sweep(self._stores)
        except SQLAlchemyError as error:
            log.warning("sweep_failed", error=str(error).splitlines()[0][:200])
        return self._stores.infra.settings.sweep_s


def create_sweeper(settings: Settings) -> Celery:
    """Return the Celery application that beat runs."""

    # Not at beat_init: by then Celery has replaced standard error with its own stream.
    @signals.setup_logging.connect(weak=False)  # type: ignore[untyped-decorator]
    def logs(**_: object) -> None:
        configure_logs("sweeper")

    # Beat has installed its own handlers by then.
    @signals.beat_init.connect(weak=False)  # type: ignore[untyped-decorator]
    def handlers(sender: Service, **_: object) -> None:
        sender.scheduler.stop_on_signals()

    return make_celery(settings)


def __getattr__(name: str) -> Celery:
    """Make `app` when Celery's command line asks for it: importing this module reads no settings."""
    if name == "app":
        return create_sweeper(start_process())
    raise AttributeError(name)
