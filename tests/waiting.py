"""Waiting for a condition, with a deadline, instead of sleeping and hoping."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from models.views import Job
    from stores.container import Stores

T = TypeVar("T")

# A condition of pg_locks: another test's database is on the same server.
IN_THIS_DATABASE = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"


def ended(stores: Stores, job_id: str) -> Job | None:
    """Return a job that has ended; None while it has not: a condition for `until`."""
    job = stores.queries.jobs.job(job_id, None)
    return job if job["finished_at"] else None


def until(condition: Callable[[], T], timeout: float = 60.0, what: str = "the condition") -> T:
    """Return the condition's first truthy value; fail when there is none in time."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {timeout:.0f} s; last value: {value!r}")
        time.sleep(0.02)
