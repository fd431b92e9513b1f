"""Retention policies: what owners keep of the ended jobs of a project. They are set here, and applied by the sweeper.

Nothing is removed behind the back of the outbox: files go with their row into it (stores/infra/doomed.py), jobs move to
the trash (stores/jobs/trash.py), from where they can be restored. A round looks at some jobs of one policy and can be
repeated at any time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, func, insert, literal, select, text, tuple_, update

from models import views
from models.ids import new_id
from models.messages import RetentionFaults
from models.rows import Artifact, Chore, Job, RetentionPolicy
from models.views import retention_policy_view
from stores.accounts.audit import Actor, Entry, Local, Requester, record
from stores.infra.doomed import delete_artifacts
from stores.infra.errors import ConflictError, NotFoundError
from stores.jobs.trash import Trash
from stores.maintenance.periodic import Round
from stores.maintenance.policy_preview import preview
from stores.maintenance.policy_rules import Rules, concerned, surplus, to_trash

CHORE = "retention_policies"
MAX_POLICIES = 100  # of an owner
JOBS = 100  # jobs per round
# Two requests at once must not exceed the limit together, nor both set the policy of a project.
ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('retention:' || :owner, 0))")


class Policies:
    """Sets, lists, deletes and applies retention policies."""

    def __init__(self, engine: Engine, trash: Trash) -> None:
        self._engine = engine
        self._reader = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._trash = trash

    def all(self, owner: str | None) -> list[views.RetentionPolicy]:
        """Return the policies of an owner, or of all owners if None, oldest first."""
        query = select(*RetentionPolicy.__table__.columns).order_by(RetentionPolicy.id)
        if owner is not None:
            query = query.where(RetentionPolicy.owner == owner)
        with self._reader.connect() as connection:
            return [retention_policy_view(row) for row in connection.execute(query).mappings()]

    def preview(self, owner: str, project: str, rules: Rules) -> views.RetentionPreview:
        """Return what rules would take away of an owner's project now."""
        with self._reader.connect() as connection:
            return preview(connection, owner, project, rules)

    def put(self, owner: str, project: str, rules: Rules, who: Actor) -> views.RetentionPolicy:
        """Set the policy of an owner's project, in place of the one that it had. The sweeper applies it at once.

        Raises:
            ConflictError: the owner has as many policies as one may have.
        """
        mine = RetentionPolicy.owner == owner
        with self._engine.begin() as connection:
            connection.execute(ONE_AT_A_TIME, {"owner": owner})
            replaced = delete(RetentionPolicy).where(mine, RetentionPolicy.project == project)
            before = connection.execute(replaced.returning(*RetentionPolicy.__table__.columns)).first()
            if (connection.scalar(select(func.count()).where(mine)) or 0) >= MAX_POLICIES:
                raise ConflictError(RetentionFaults.too_many_policies(limit=MAX_POLICIES))
            values = {"id": new_id("ret"), "owner": owner, "project": project, **vars(rules)}
            made = insert(RetentionPolicy).values(values).returning(*RetentionPolicy.__table__.columns)
            row = connection.execute(made).one()
            connection.execute(update(Chore).where(Chore.name == CHORE).values(next_at=func.now(), cursor=""))
            record(connection, who, Entry("retention.set", row.id, _facts(before) if before else None, _facts(row)))
        return retention_policy_view(row._mapping)

    def delete(self, policy_id: str, who: Requester) -> None:
        """Forget a policy. What it took away stays away.

        Raises:
            NotFoundError: there is none, or it is somebody else's.
        """
        mine = [] if who.reads is None else [RetentionPolicy.owner == who.reads]
        with self._engine.begin() as connection:
            chosen = delete(RetentionPolicy).where(RetentionPolicy.id == policy_id, *mine)
            row = connection.execute(chosen.returning(*RetentionPolicy.__table__.columns)).first()
            if row is None:
                raise NotFoundError(RetentionFaults.no_policy(policy=policy_id))
            record(connection, who, Entry("retention.delete", row.id, _facts(row), None))

    # -- the sweeper's side

    def apply(self, cursor: str) -> Round:
        """Apply a policy to some more jobs of its project, in the order in which they were created.

        A cursor is the id of the policy, and of the last job that was passed when it was created; without a job, all of
        its jobs were passed.
        """
        policy_id, _, place = cursor.partition(" ")
        with self._reader.connect() as connection:
            policy = _next(connection, policy_id, began=bool(place))
            if policy is None:
                return Round()
            rules = Rules(**{name: getattr(policy, name) for name in Rules.__dataclass_fields__})
            jobs = _some_jobs(connection, policy, rules, place if policy.id == policy_id else "")
        if not jobs:
            return Round(cursor=policy.id, more=True)
        ids = [job.id for job in jobs]
        old = concerned(policy.owner, policy.project, rules) & to_trash(rules)
        with self._engine.begin() as connection:
            if not _hold(connection, policy.id):
                return Round(cursor=policy.id, more=True)
            trashed = self._trash.delete_by_policy(connection, ids, old, Local(policy.owner), policy.id)
            removed, size = _remove_files(connection, policy, rules, ids)
        after = f"{policy.id} {jobs[-1].created_at.isoformat()} {jobs[-1].id}" if len(jobs) == JOBS else policy.id
        return Round(trashed + removed, size, after, more=True)


def _hold(connection: Connection, policy_id: str) -> bool:
    """Keep a policy from being deleted or replaced until the transaction ends; return whether it is still there.

    Once somebody is told that a policy is gone, it removes nothing more.
    """
    query = select(RetentionPolicy.id).where(RetentionPolicy.id == policy_id)
    return connection.scalar(query.with_for_update(read=True)) is not None


def _remove_files(connection: Connection, policy: Row[Any], rules: Rules, ids: Sequence[str]) -> tuple[int, int]:
    """Remove the surplus files of some jobs; return how many, and their bytes."""
    # The jobs are locked first, as whoever writes files does. None gets a star or another project meanwhile.
    chosen = select(Job.id).where(Job.id.in_(ids), concerned(policy.owner, policy.project, rules))
    locked = connection.scalars(chosen.order_by(Job.id).with_for_update(key_share=True, skip_locked=True)).all()
    if not locked:
        return 0, 0
    files = surplus(rules, Job.id.in_(locked)).with_for_update(of=Artifact, skip_locked=True)
    gone = {row.id: row for row in connection.execute(files)}
    # Asked once more now that the files are locked: a job may have been promised one (stores/jobs/insert.py).
    still = set(connection.scalars(surplus(rules, Job.id.in_(locked)).with_only_columns(Artifact.id)))
    rows = [row for row in gone.values() if row.id in still]
    delete_artifacts(connection, Artifact.id.in_([row.id for row in rows]))
    for job_id in dict.fromkeys(row.job_id for row in rows):
        mine = [row for row in rows if row.job_id == job_id]
        facts = {"policy": policy.id, "bytes": sum(row.bytes for row in mine)}
        removed = {f"{kind}s": count for kind, count in Counter(row.kind for row in mine).items()}
        record(connection, Local(policy.owner), Entry("job.thin", job_id, {**facts, **removed}))
    return len(rows), sum(row.bytes for row in rows)


def _next(connection: Connection, policy_id: str, *, began: bool) -> Row[Any] | None:
    """Return the policy that is under way, or the one after it."""
    query = select(*RetentionPolicy.__table__.columns).order_by(RetentionPolicy.id).limit(1)
    here = RetentionPolicy.id >= policy_id if began else RetentionPolicy.id > policy_id
    return connection.execute(query.where(here)).first()


def _some_jobs(connection: Connection, policy: Row[Any], rules: Rules, place: str) -> Sequence[Row[Any]]:
    query: Any = select(Job.id, Job.created_at).where(concerned(policy.owner, policy.project, rules))
    if place:
        at, _, job_id = place.partition(" ")
        query = query.where(tuple_(Job.created_at, Job.id) > tuple_(literal(datetime.fromisoformat(at)), job_id))
    found: Sequence[Row[Any]] = connection.execute(query.order_by(Job.created_at, Job.id).limit(JOBS)).all()
    return found


def _facts(row: Row[Any]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("owner", "project", *Rules.__dataclass_fields__)}
