"""Deletes single files of jobs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, Row, func, select

from models.messages import Missing, OrderFaults
from models.rows import Artifact, Extractor, Job
from models.states import TERMINAL, ArtifactKind, State
from stores.accounts.audit import Entry, Requester, record
from stores.infra.doomed import delete_artifacts
from stores.infra.errors import ConflictError, NotFoundError
from stores.jobs.checkpoints import ENDED
from stores.jobs.needed_jobs import who_needs
from stores.jobs.transitions import lock


class Files:
    """The files of jobs, as far as their owners delete them one by one."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def delete(self, artifact_id: str, who: Requester) -> None:
        """Delete a file.

        Raises:
            NotFoundError: there is none, or it is somebody else's.
            ConflictError: its job would resume from it, or another unfinished job reads it.
        """
        missing = NotFoundError(Missing.no_artifact(artifact=artifact_id))
        with self._engine.begin() as connection:
            job_id = connection.scalar(select(Artifact.job_id).where(Artifact.id == artifact_id))
            if job_id is None:
                raise missing
            try:
                # Whoever writes files holds their job, so the job is locked first here too.
                job = lock(connection, job_id, who.reads)
            except NotFoundError:
                raise missing from None
            # A job that is being stored and names the file comes before, and counts, or waits and finds it gone.
            chosen = select(*Artifact.__table__.columns).where(Artifact.id == artifact_id).with_for_update()
            artifact = connection.execute(chosen).first()
            if artifact is None:
                raise missing
            _check_unneeded(connection, job, artifact)
            delete_artifacts(connection, Artifact.id == artifact_id)
            facts = ("job_id", "kind", "name", "step", "bytes")
            record(connection, who, Entry("artifact.delete", artifact_id, {f: getattr(artifact, f) for f in facts}))


def _check_unneeded(connection: Connection, job: Row[Any], artifact: Row[Any]) -> None:
    if artifact.kind != ArtifactKind.checkpoint:
        return
    if State(job.state) not in TERMINAL and artifact.id in {job.latest_checkpoint, job.best_checkpoint}:
        raise ConflictError(OrderFaults.artifact_resumed_from(), state=job.state)
    reading = select(func.min(Job.id)).where(Job.source_artifact == artifact.id, Job.state.not_in(ENDED))
    by = connection.scalar(reading)
    if by is None and artifact.id == (job.best_checkpoint or job.latest_checkpoint):
        # It may be the extractor of a data set, for which unfinished jobs will look.
        makes = connection.scalar(select(func.count()).where(Extractor.job_id == job.id))
        by = who_needs(connection, [job.id]).get(job.id) if makes else None
    if by is not None:
        raise ConflictError(OrderFaults.artifact_read(job=by))
