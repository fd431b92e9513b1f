"""The trash of jobs, single files, and what uses the space."""

from __future__ import annotations

from api.http.access import Access
from api.http.routes import Call, Reply, Routes
from api.schemas import answers
from api.schemas.bodies import NoBody
from api.schemas.queries import DeleteQuery, Query
from api.v1.jobs import job_id_in
from models.ids import is_id
from models.messages import Missing
from stores.infra.errors import NotFoundError

routes = Routes("storage")


@routes.add(
    "DELETE", "/v1/jobs/{job_id}", Access.change, query=DeleteQuery, answers={204: None}, problems=("conflict",)
)
def delete_job(call: Call[DeleteQuery, None], job_id: str) -> Reply:
    """Move a job to the trash, or delete it for good.

    In the trash it counts against no quota, and lists leave it out. It can be restored for 7 days (setting
    `GANFORGE_TRASH_DAYS`); then it is deleted for good. `purge=true` does that now, whether it is in the trash or not:
    from then on it is a 404, and its files leave the store within a minute or two. 409: it has not ended (cancel it
    first), or a job that has not ended needs it; the answer names that job.
    """
    trash = call.service.stores.jobs.trash
    (trash.purge if call.query.purge else trash.delete)(job_id_in(job_id), call.who)
    return Reply(None, 204)


@routes.add(
    "POST",
    "/v1/jobs/{job_id}/restore",
    Access.change,
    body=NoBody,
    body_optional=True,
    answers={200: answers.Job},
    problems=("conflict",),
)
def restore_job(call: Call[Query, NoBody], job_id: str) -> answers.Job:
    """Restore a job from the trash.

    A job that is not in the trash stays as it is. 404: its time in the trash is over. 409: with its files the owner
    would store more than the key allows (quota `stored_bytes`).
    """
    stores = call.service.stores
    stores.jobs.trash.restore(job_id_in(job_id), call.who)
    return stores.queries.jobs.job(job_id, call.who.reads)


@routes.add("DELETE", "/v1/artifacts/{artifact_id}", Access.change, answers={204: None}, problems=("conflict",))
def delete_artifact(call: Call[Query, None], artifact_id: str) -> Reply:
    """Delete one file of a job, for good.

    409: its job has not ended and would resume from it, or another job that has not ended reads it.
    """
    if not is_id("art", artifact_id):
        raise NotFoundError(Missing.no_such_artifact())
    call.service.stores.jobs.files.delete(artifact_id, call.who)
    return Reply(None, 204)


@routes.add("GET", "/v1/storage", Access.read, answers={200: answers.Storage})
def show_storage(call: Call[Query, None]) -> answers.Storage:
    """Get what uses the space: bytes and objects by owner, kind, data set and job, and what the trash holds.

    Each object is in one entry of `by_owner` and of `by_kind`, and in one of `by_dataset` or `by_job` as far as these
    list all. Admins see all owners.
    """
    return call.service.stores.queries.storage.of(call.who.reads)
