"""Transactions that break in their commit: whether they took place is asked of the database, not guessed.

A connection may die after the server has committed and before its answer arrives. Who then writes again tells the same
thing twice, or meets its own row; who gives up loses what was written. The transaction's first event settles it: its
number and its time stand in no other transaction.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import structlog
from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from models.rows import Event
from stores.events.bus import Hint

log = structlog.get_logger(__name__)

ASK_AGAIN_S = 0.5


@contextmanager
def certain(engine: Engine, hints: list[Hint]) -> Iterator[Connection]:
    """Run a transaction that puts the events which it appends into `hints`; leave only when its fate is known.

    Raises:
        DBAPIError: it did not take place.
    """
    complete = False
    try:
        with engine.begin() as connection:
            yield connection
            complete = True
    except DBAPIError as error:
        if not (complete and hints and _took_place(engine, hints[0])):
            raise
        log.warning("commit_went_unanswered", error=str(error).splitlines()[0][:200])


def _took_place(engine: Engine, hint: Hint) -> bool:
    """Wait for the database, and ask. Nobody can take the job away meanwhile: that needs the database too."""
    event = hint.event
    at = datetime.fromisoformat(event["at"])
    mine = select(func.count()).where(Event.job_id == event["job"], Event.seq == event["seq"], Event.at == at)
    while True:
        try:
            with engine.connect() as connection:
                return connection.scalar(mine) == 1
        except (OperationalError, InterfaceError, PoolTimeoutError):
            time.sleep(ASK_AGAIN_S)
