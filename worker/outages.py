"""Retries during an outage of the database or the object store, for as long as the attempt may continue."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from stores.infra.errors import BlobError, DamagedBlobError

log = structlog.get_logger(__name__)

T = TypeVar("T")

FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 5.0


class GivenUpError(Exception):
    """The attempt ended during the retries."""


def patiently(call: Callable[[], T], given_up: threading.Event) -> T:
    """Call until it works. Errors that a retry cannot fix (such as a stale fence) are raised at once.

    Raises:
        GivenUpError: the event was set in the meantime.
    """
    wait = FIRST_WAIT_S
    while True:
        try:
            return call()
        except (DBAPIError, PoolTimeoutError, BlobError) as error:
            if isinstance(error, DamagedBlobError):
                raise
            if isinstance(error, DBAPIError) and not (error.connection_invalidated or _passing(error)):
                raise
            log.warning("waiting_for_store", error=str(error).splitlines()[0][:200], seconds=wait)
        if given_up.wait(wait):
            raise GivenUpError
        wait = min(LONGEST_WAIT_S, wait * 2)


def _passing(error: DBAPIError) -> bool:
    """Return whether a database error is temporary: the server is away or starting, or it broke a deadlock."""
    state = getattr(error.orig, "sqlstate", None)
    return state is None or state[:2] in {"08", "40", "53", "57"}
