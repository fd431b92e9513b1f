"""Jobs that wait for an extractor which will not come: the job that should have made it failed or was canceled.

A worker that takes such a job ends it with this error too. The sweeper does not wait for one: there may be none.
"""

from __future__ import annotations

from sqlalchemy import Connection, select
from sqlalchemy.orm import aliased

from models.messages import ExtractorFaults
from models.rows import Extractor, Job
from models.states import ErrorCode, State
from stores.events.bus import Hint
from stores.jobs.transitions import error_of, move

_AWAITED, _MAKER = aliased(Job), aliased(Job)
# Somebody may have asked again, and that job may have made the extractor: then there is what was waited for.
_MADE_MEANWHILE = (
    select(Extractor.dataset_id)
    .join(_MAKER, _MAKER.id == Extractor.job_id)
    .where(Extractor.dataset_id == Job.dataset_id, _MAKER.state == State.succeeded, _MAKER.trashed_at.is_(None))
    .correlate(Job)
    .exists()
)
IN_VAIN = (
    select(*Job.__table__.columns)
    .join(_AWAITED, _AWAITED.id == Job.waits_for)
    .where(Job.waits_for.is_not(None), Job.state == State.queued)
    .where(_AWAITED.state.in_([State.failed, State.canceled]), ~_MADE_MEANWHILE)
    .limit(1)
    .with_for_update(of=Job, key_share=True, skip_locked=True)
)


def end_one(connection: Connection) -> tuple[str, list[Hint]] | None:
    """End a job that waits in vain; return its id and the hints to publish, None if there is no such job."""
    job = connection.execute(IN_VAIN).first()
    if job is None:
        return None
    detail = ExtractorFaults.making_failed(name=job.dataset, job=job.waits_for)
    failed = error_of(ErrorCode.extractor_failed, detail)
    return job.id, move(connection, job, State.failed, reason=None, **failed)
