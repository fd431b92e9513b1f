"""What a retention policy would take away now, told by the conditions by which it is applied. Read-only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, Text, all_, any_, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY

from models import views
from models.rows import Artifact, Job
from models.states import ArtifactKind
from stores.jobs.needed_jobs import who_needs
from stores.maintenance.policy_rules import Rules, concerned, surplus, to_trash

EXAMPLES = 5


def preview(connection: Connection, owner: str, project: str, rules: Rules) -> views.RetentionPreview:
    """Return what rules would take away of an owner's project now, with the largest jobs as examples."""
    mine = concerned(owner, project, rules)
    old = list(connection.scalars(select(Job.id).where(mine, to_trash(rules))))
    needed = who_needs(connection, old)
    trashed = [job_id for job_id in old if job_id not in needed]
    stays = Job.id != all_(literal(trashed, ARRAY(Text)))
    files = surplus(rules, mine, stays).subquery()
    counts = select(files.c.job_id, files.c.kind, func.count().label("n"), func.sum(files.c.bytes).label("size"))
    thinned = connection.execute(counts.group_by(files.c.job_id, files.c.kind)).all()

    def kind(wanted: ArtifactKind) -> views.Goes:
        rows = {row.job_id: (row.n, int(row.size)) for row in thinned if row.kind == wanted}
        return _goes(connection, rows)

    return views.RetentionPreview(
        trash=_goes(connection, _all_files(connection, trashed)),
        checkpoints=kind(ArtifactKind.checkpoint),
        grids=kind(ArtifactKind.grid),
    )


def _all_files(connection: Connection, job_ids: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return the number and the bytes of the files of each job."""
    query = select(Artifact.job_id, func.count().label("n"), func.sum(Artifact.bytes).label("size"))
    mine = query.where(Artifact.job_id == any_(literal(list(job_ids), ARRAY(Text)))).group_by(Artifact.job_id)
    found = {row.job_id: (row.n, int(row.size)) for row in connection.execute(mine)}
    return {job_id: found.get(job_id, (0, 0)) for job_id in job_ids}


def _goes(connection: Connection, held: dict[str, tuple[int, int]]) -> views.Goes:
    """Return the view of objects and bytes by job."""
    largest = sorted(held, key=lambda job_id: (-held[job_id][1], job_id))[:EXAMPLES]
    named: Any = select(Job.id, Job.name, Job.recipe).where(Job.id.in_(largest))
    rows: dict[str, Row[Any]] = {row.id: row for row in connection.execute(named)} if largest else {}
    return views.Goes(
        jobs=len(held),
        objects=sum(n for n, _ in held.values()),
        bytes=sum(size for _, size in held.values()),
        examples=[
            views.GoesOfJob(
                job=one, name=rows[one].name, recipe=rows[one].recipe, objects=held[one][0], bytes=held[one][1]
            )
            for one in largest
            if one in rows
        ],
    )
