"""Quotas of an owner: waiting jobs, running jobs, stored bytes.

What waits and what is stored is refused at the door (submission, retry, resume, upload), by the limits of the key that
asks. What runs is limited in the claim (stores/jobs/claim.py), by the highest limit of the owner's keys: a job does not
know through which key it came.
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, text

from models.messages import Message, QuotaFaults
from models.rows import Artifact, Dataset, Job
from stores.infra.errors import QuotaError
from stores.infra.settings import Settings

# One part in SHARE of the remaining quota may be used for FRESH_S seconds without counting again. Each API process
# counts for itself. While one of them gives out all that is left, the others may still use their parts: n processes
# exceed the limit by (n - 1) / SHARE of it at most, and no later than FRESH_S after they counted.
SHARE = 20
FRESH_S = 1.0


# Held while something is added to an owner's total, so that two requests cannot both take the last place.
TURN = "pg_advisory_xact_lock(hashtextextended('quota' || E'\\n' || :owner, 0))"

# The lock comes first: what commits before it is granted is counted.
LOCK_QUOTA = text(f"SELECT {TURN}")

# Counts an owner's waiting jobs up to a limit; without a limit, nothing is counted.
COUNT_QUEUED = """
    SELECT count(*) AS n
      FROM (SELECT 1 FROM jobs WHERE owner = :owner AND state = 'queued' LIMIT coalesce(:limit, 0)) AS counted
"""


@dataclass(frozen=True)
class Quotas:
    """The limits of one key. None: the settings' limit."""

    queued: int | None = None
    running: int | None = None
    stored_bytes: int | None = None


@dataclass
class Room:
    """How many bytes an owner stores, and how many may be stored."""

    owner: str
    used: int
    limit: int

    @property
    def left(self) -> int:
        """How many more may be stored."""
        return self.limit - self.used

    def take(self, more: int) -> None:
        """Count bytes that are stored now."""
        self.used += more

    def refusal(self, more: int) -> Message:
        """Return what to tell who would store too much."""
        return QuotaFaults.bytes_stored(owner=self.owner, used=self.used, more=more, limit=self.limit)


class Guard:
    """Checks whether an owner may add more. Call it in the transaction that adds, while holding the owner's lock."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # By owner and limit, because keys of one owner may have different quotas: when it was counted, and how many
        # jobs more may wait.
        self._room: defaultdict[str, dict[int, tuple[float, int]]] = defaultdict(dict)

    def queued_limit(self, owner: str, quotas: Quotas) -> int | None:
        """Return an owner's limit of waiting jobs; None while one more is certainly allowed without counting."""
        limit = self._queued(quotas)
        counted, room = self._room[owner].get(limit, (0.0, 0))
        if room > 0 and time.monotonic() - counted < FRESH_S:
            self._take_one(owner)
            return None
        return limit

    def note_queued(self, owner: str, waiting: int, limit: int) -> None:
        """Record how many jobs of an owner waited before one more was added.

        Raises:
            QuotaError: there were as many as may wait, so it was not added.
        """
        if waiting >= limit:
            raise _too_many_wait(owner, waiting, limit)
        self._take_one(owner)
        self._room[owner][limit] = (time.monotonic(), (limit - waiting) // SHARE)

    def more_queued(
        self, connection: Connection, owner: str, wanted: int, quotas: Quotas
    ) -> tuple[int, QuotaError | None]:
        """Return how many of `wanted` paused jobs may wait as well, and what to tell the others.

        It locks the owner's quota. So lock the jobs before, and several owners in the order of their names.
        """
        limit = self._queued(quotas)
        connection.execute(LOCK_QUOTA, {"owner": owner})
        waiting = connection.scalar(text(COUNT_QUEUED), {"owner": owner, "limit": limit}) or 0
        self._room.pop(owner, None)  # what was counted before is less now
        fitting = min(wanted, max(0, limit - waiting))
        return fitting, None if fitting == wanted else _too_many_wait(owner, waiting + fitting, limit)

    def _take_one(self, owner: str) -> None:
        """Leave one place less for all of an owner's keys, whichever takes it."""
        rooms = self._room[owner]
        rooms |= {limit: (counted, room - 1) for limit, (counted, room) in rooms.items()}

    def _queued(self, quotas: Quotas) -> int:
        return self._settings.quota_queued if quotas.queued is None else quotas.queued

    def more_stored(self, connection: Connection, owner: str, more: int, quotas: Quotas) -> None:
        """Check that this owner may store this many more bytes.

        Raises:
            QuotaError
        """
        room = self.room_to_store(connection, owner, quotas)
        if more > room.left:
            raise QuotaError(room.refusal(more), stored=True)

    def room_to_store(self, connection: Connection, owner: str, quotas: Quotas) -> Room:
        """Lock an owner's quota; return how much is stored and how much may be."""
        limit = self._settings.quota_stored_bytes if quotas.stored_bytes is None else quotas.stored_bytes
        connection.execute(LOCK_QUOTA, {"owner": owner})
        return Room(owner, stored_bytes(connection, owner), limit)


def _too_many_wait(owner: str, waiting: int, limit: int) -> QuotaError:
    return QuotaError(QuotaFaults.jobs_wait(count=waiting, owner=owner, limit=limit))


def stored_bytes(connection: Connection, owner: str) -> int:
    """Return how many bytes an owner has stored: data sets, and files of jobs that are not in the trash."""
    sets = select(func.coalesce(func.sum(Dataset.bytes), 0)).where(Dataset.owner == owner, Dataset.deleted_at.is_(None))
    made = (
        select(func.coalesce(func.sum(Artifact.bytes), 0))
        .join(Job, Job.id == Artifact.job_id)
        .where(Job.owner == owner, Job.trashed_at.is_(None))
    )
    return int(connection.scalar(select(sets.scalar_subquery() + made.scalar_subquery())) or 0)
