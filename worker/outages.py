"""Waiting out a database or an object store that is away, for as long as the attempt may go on."""

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
    """The attempt ended while something was still waited for."""


def patiently(call: Callable[[], T], given_up: threading.Event) -> T:
    """Call until it works. What a retry cannot mend (a stale fence, say) is raised at once.

    Raises:
        GivenUpError: the event was set meanwhile.
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
    """Tell whether a database error goes away by itself: it is away, starting, or chose us to break a deadlock."""
    state = getattr(error.orig, "sqlstate", None)
    return state is None or state[:2] in {"08", "40", "53", "57"}
