"""Transactions that break in their commit: whether they took place is asked of the database, not guessed.

A connection may die after the server has committed and before its answer arrives. Who then writes again tells the same
thing twice, or meets its own row; who gives up loses what was written. The transaction's first event settles it: its
number and its time stand in no other transaction.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import structlog
from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from models.rows import Event, Job
from stores.events.bus import Hint

log = structlog.get_logger(__name__)

ASK_AGAIN_S = 0.5


@contextmanager
def certain(engine: Engine, hints: list[Hint], given_up: Callable[[], bool] = lambda: False) -> Iterator[Connection]:
    """Run a transaction that puts the events which it appends into `hints`; leave only when its fate is known.

    The transaction holds the lock of the row of the first event's job. While the database is away, `given_up` is
    called and can end the wait.

    Raises:
        DBAPIError: it did not take place, or nobody knows because the wait was given up.
    """
    complete = False
    try:
        with engine.begin() as connection:
            yield connection
            complete = True
    except DBAPIError as error:
        if not (complete and hints and _took_place(engine, hints[0], given_up)):
            raise
        log.warning("commit_went_unanswered", error=str(error).splitlines()[0][:200])


def _took_place(engine: Engine, hint: Hint, given_up: Callable[[], bool]) -> bool:
    """Wait for the database, and ask; return False when the wait is given up.

    Another worker may take the job meanwhile; the fence then refuses what this one writes.
    """
    event = hint.event
    at = datetime.fromisoformat(event["at"])
    mine = select(func.count()).where(Event.job_id == event["job"], Event.seq == event["seq"], Event.at == at)
    # The server may still be committing. Until it has, the transaction holds this lock, and its event is not visible.
    settled = select(Job.id).where(Job.id == event["job"]).with_for_update(key_share=True)
    while True:
        try:
            with engine.connect() as connection:
                connection.execute(settled)
                return connection.scalar(mine) == 1
        except (OperationalError, InterfaceError, PoolTimeoutError):
            if given_up():
                return False
            time.sleep(ASK_AGAIN_S)
