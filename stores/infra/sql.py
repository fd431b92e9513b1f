"""SQL shared by several stores."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, cast, literal, text
from sqlalchemy.dialects.postgresql import INTERVAL

# What may end a session, a transaction or a statement that takes long; an operator may have set any of them for the
# server. The last one exists since PostgreSQL 17.
TIME_LIMITS = (
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "transaction_timeout",
)
# An older server lacks a row for what it doesn't know.
_LIFT = text("SELECT set_config(name, '0', :local) FROM pg_settings WHERE name = ANY(:limits)")

# That the job which a waiting job waits for, if any, has ended. A subquery in this form is one probe of an index:
# EXISTS could be planned as a scan of all jobs.
AWAITED_ENDED = """
    (waits_for IS NULL
     OR (SELECT awaited.finished_at FROM jobs AS awaited WHERE awaited.id = jobs.waits_for) IS NOT NULL)
"""

# How long a job ran, over its attempts: what they took together, without what it waited or was paused between them. Of
# an attempt that has not ended, up to now. `jobs.ran` keeps what it was when the last attempt ended.
RAN = "sum(coalesce(ended_at, now()) - started_at)"


def lift_time_limits(connection: Connection, *, local: bool) -> None:
    """Switch all time limits of the server off, for this transaction (`local`) or this session."""
    connection.execute(_LIFT, {"local": local, "limits": list(TIME_LIMITS)})


def seconds(value: float) -> Any:
    """Return a duration as SQL."""
    return cast(literal(f"{value} seconds"), INTERVAL)
