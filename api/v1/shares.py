"""Links that show a job to people without a key. The page that they lead to is api/dashboard/shared.py."""

from __future__ import annotations

from typing import Any

from api.http.access import Access
from api.http.cursors import pager_for, short_list
from api.http.routes import Call, Reply, Routes
from api.schemas import answers
from api.schemas.bodies import NewShare
from api.schemas.queries import PageQuery, Query
from api.v1.jobs import job_id_in
from models.ids import is_id
from models.messages import Missing
from stores.infra.errors import NotFoundError

routes = Routes("jobs")


@routes.add(
    "POST",
    "/v1/jobs/{job_id}/share",
    Access.change,
    body=NewShare,
    body_optional=True,
    answers={201: answers.FreshShare},
    problems=("conflict",),
)
def share_job(call: Call[Query, NewShare], job_id: str) -> Reply:
    """Make a link to a read-only page of this job.

    Whoever has the address sees the job's state, curves, images, report card and parameters without a key, and nothing
    else. The address is shown this once. The link ends after `expires_in_s`, when it is revoked, when the key that made
    it is revoked, and when the job is deleted. 409: the job has 20 links, or is in the trash.
    """
    made, token = call.service.stores.accounts.shares.create(job_id_in(job_id), call.who, call.body.expires_in_s)
    return Reply({**made, "url": f"{call.request.host_url}s/{token}"}, 201)


@routes.add(
    "GET",
    "/v1/jobs/{job_id}/share",
    Access.read,
    query=PageQuery,
    answers={200: answers.Page[answers.Share]},
)
def list_shares(call: Call[PageQuery, None], job_id: str) -> dict[str, Any]:
    """List the live links of a job, oldest first, without their addresses."""
    found = call.service.stores.accounts.shares.of_job(job_id_in(job_id), call.who)
    return short_list(pager_for(call, f"shares {job_id}"), found, "id")


@routes.add("DELETE", "/v1/jobs/{job_id}/share/{share_id}", Access.change, answers={204: None})
def revoke_share(call: Call[Query, None], job_id: str, share_id: str) -> Reply:
    """Revoke one link of a job at once."""
    shares = call.service.stores.accounts.shares
    if not is_id("shr", share_id):
        shares.of_job(job_id_in(job_id), call.who)
        raise NotFoundError(Missing.no_such_share())
    shares.revoke(job_id_in(job_id), call.who, share_id)
    return Reply(None, 204)


@routes.add("DELETE", "/v1/jobs/{job_id}/share", Access.change, answers={204: None})
def revoke_shares(call: Call[Query, None], job_id: str) -> Reply:
    """Revoke all links of a job at once. 204 also if there is none."""
    call.service.stores.accounts.shares.revoke(job_id_in(job_id), call.who)
    return Reply(None, 204)
