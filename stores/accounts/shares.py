"""Links that show one job to people without a key. Only the hash of a link's token is kept.

A link ends at its time, when it is revoked, when the key that made it is revoked, and with its job. While the job is in
the trash it opens nothing. Each request looks
it up in its row, so it ends at once.
"""

from __future__ import annotations

import re
import secrets

from sqlalchemy import Connection, Engine, bindparam, delete, func, insert, select

from models.ids import new_id
from models.messages import Conflicts, Missing, OrderFaults
from models.rows import Job, Key, Share
from models.views import Share as ShareView
from models.views import rfc3339, share_view
from stores.accounts.audit import Entry, Requester, record
from stores.accounts.keys import hash_secret
from stores.infra.errors import ConflictError, NotFoundError
from stores.infra.sql import seconds

# Live links of one job.
MOST = 20
BATCH = 1000
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")  # 256 random bits

LIVE = (Share.expires_at > func.now(), Key.revoked_at.is_(None))
# Built once, because every request for a shared page executes it.
JOB = select(Share.job_id, Share.expires_at).join(Key, Key.id == Share.key_id).join(Job, Job.id == Share.job_id)
JOB = JOB.where(Share.hash == bindparam("hash"), *LIVE, Job.trashed_at.is_(None))


class Shares:
    """Makes, finds and revokes links."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.execution_options(isolation_level="AUTOCOMMIT")

    def create(self, job_id: str, who: Requester, expires_in_s: int) -> tuple[ShareView, str]:
        """Make a link. Returns it and its token, which cannot be retrieved later.

        Raises:
            NotFoundError: there is no such job, or it is somebody else's.
            ConflictError: the job is in the trash, or has as many links as it may have.
        """
        token = secrets.token_urlsafe(32)
        with self._engine.begin() as connection:
            # Locked, so that two requests at once cannot both make the last link.
            if _find_job(connection, job_id, who, lock=True):
                raise ConflictError(OrderFaults.job_in_trash(job=job_id))
            if len(_live(connection, job_id)) >= MOST:
                raise ConflictError(Conflicts.too_many_links(limit=MOST))
            values = {"id": new_id("shr"), "hash": hash_secret(token), "job_id": job_id, "key_id": who.key_id}
            ends = func.now() + seconds(expires_in_s)
            made = insert(Share).values(expires_at=ends, **values).returning(*Share.__table__.c)
            view = share_view(connection.execute(made).mappings().one())
            record(connection, who, Entry("job.share", job_id, None, _facts(view)))
        return view, token

    def of_job(self, job_id: str, who: Requester) -> list[ShareView]:
        """Return the live links of a job, oldest first.

        Raises:
            NotFoundError: there is no such job, or it is somebody else's.
        """
        with self._reader.connect() as connection:
            _find_job(connection, job_id, who)
            return _live(connection, job_id)

    def job_of(self, token: str) -> tuple[str, str] | None:
        """Return the job that a token shows, and when the link ends; None if the token opens nothing."""
        if not TOKEN.fullmatch(token):
            return None
        with self._reader.connect() as connection:
            row = connection.execute(JOB, {"hash": hash_secret(token)}).first()
        return None if row is None else (row.job_id, rfc3339(row.expires_at))

    def revoke(self, job_id: str, who: Requester, share_id: str | None = None) -> int:
        """Revoke one link of a job at once, or all of them; return how many.

        Raises:
            NotFoundError: there is no such job or link, or the job is somebody else's.
        """
        chosen = delete(Share).where(Share.job_id == job_id)
        if share_id is not None:
            chosen = chosen.where(Share.id == share_id)
        with self._engine.begin() as connection:
            _find_job(connection, job_id, who)
            gone = [share_view(row) for row in connection.execute(chosen.returning(*Share.__table__.c)).mappings()]
            if share_id is not None and not gone:
                raise NotFoundError(Missing.no_such_share())
            record(connection, who, *(Entry("job.unshare", job_id, _facts(view), None) for view in gone))
        return len(gone)

    def forget_ended(self) -> int:
        """Delete ended links, at most a thousand; return how many."""
        over = select(Share.id).join(Key, Key.id == Share.key_id)
        over = over.where((Share.expires_at <= func.now()) | Key.revoked_at.is_not(None)).limit(BATCH)
        with self._reader.connect() as connection:
            return connection.execute(delete(Share).where(Share.id.in_(over))).rowcount


def _find_job(connection: Connection, job_id: str, who: Requester, *, lock: bool = False) -> bool:
    """Return whether a job is in the trash."""
    query = select(Job.id, Job.trashed_at).where(Job.id == job_id, Job.purged_at.is_(None))
    if who.reads is not None:
        query = query.where(Job.owner == who.reads)
    if lock:
        query = query.with_for_update(key_share=True)
    row = connection.execute(query).first()
    if row is None:
        raise NotFoundError(Missing.no_job(job=job_id))
    return row.trashed_at is not None


def _live(connection: Connection, job_id: str) -> list[ShareView]:
    query = select(*Share.__table__.c).join(Key, Key.id == Share.key_id).where(Share.job_id == job_id, *LIVE)
    return [share_view(row) for row in connection.execute(query.order_by(Share.id)).mappings()]


def _facts(view: ShareView) -> dict[str, str]:
    return {"share": view["id"], "expires_at": view["expires_at"]}
