"""Artifacts: the files of a job, and their downloads."""

from __future__ import annotations

from typing import Any

from flask import Response
from werkzeug.http import quote_etag

from api.http.access import Access
from api.http.cursors import pager_for, text_position
from api.http.downloads import KEPT, hand_out
from api.http.ranges import asked_for
from api.http.routes import Call, Header, Reply, Routes
from api.schemas import answers
from api.schemas.queries import ArtifactsQuery, ContentQuery, Query
from api.v1.jobs import job_id_in
from models.ids import is_id
from models.messages import Missing
from stores.infra.errors import NotFoundError

routes = Routes("artifacts")

RANGE = Header("Range", "`bytes=100-` sends the rest from there on (206). Needs `redirect=false`.", {"type": "string"})
IF_RANGE = Header("If-Range", "The `ETag` of the part that is there; all is sent if it is another.", {"type": "string"})


@routes.add(
    "GET",
    "/v1/jobs/{job_id}/artifacts",
    Access.read,
    query=ArtifactsQuery,
    answers={200: answers.Page[answers.Artifact]},
)
def list_artifacts(call: Call[ArtifactsQuery, None], job_id: str) -> dict[str, Any]:
    """List the artifacts of a job, oldest first."""
    reports = call.service.stores.queries.jobs
    reports.job(job_id_in(job_id), call.who.reads)
    pager = pager_for(call, job_id)
    rows = reports.artifacts(job_id, call.query.kind, pager.fetch, pager.after(text_position))
    return pager.page(rows, lambda row: row["id"])


@routes.add("GET", "/v1/artifacts/{artifact_id}", Access.read, answers={200: answers.Artifact})
def get_artifact(call: Call[Query, None], artifact_id: str) -> answers.Artifact:
    """Get an artifact."""
    return _find(call, artifact_id)[0]


@routes.add(
    "GET",
    "/v1/artifacts/{artifact_id}/content",
    Access.read,
    query=ContentQuery,
    headers=(RANGE, IF_RANGE),
    answers={303: None, 200: None, 206: None},
    answer_headers={
        303: {"Location": "A signed link."},
        200: {"ETag": "The SHA-256 of the bytes."},
        206: {"Content-Range": "Which bytes these are, of how many."},
    },
    media={"*/*": "The bytes, as an attachment."},
    problems=("range_not_satisfiable",),
)
def download_artifact(call: Call[ContentQuery, None], artifact_id: str) -> Reply | Response:
    """Download an artifact.

    303 to a signed link that lives for 10 minutes; with `redirect=false`, and always where users cannot
    reach the object store (`GANFORGE_S3_LINKS`), the bytes themselves, or a range of them.

    The link is signed, so the object store refuses a request that brings an `Authorization` header too (400 or 403).
    curl, browsers and most clients drop that header where they are sent to another host. With clients that keep it
    (Python's urllib, `wget --header`, `curl --location-trusted`), use `redirect=false`, or follow the link without it.
    """
    artifact, key = _find(call, artifact_id)
    etag = quote_etag(artifact["sha256"])
    blobs = call.service.stores.infra.blobs
    redirect = call.query.redirect and blobs.links
    part = None
    if not redirect:
        headers = call.request.headers
        part = asked_for(headers.get("Range"), headers.get("If-Range"), etag, artifact["bytes"])
    answer = hand_out(
        blobs,
        key,
        artifact["name"],
        artifact["content_type"],
        redirect=redirect,
        size=artifact["bytes"],
        part=part,
    )
    if isinstance(answer, Response):
        answer.headers["Accept-Ranges"] = "bytes"
        answer.headers["ETag"] = etag
        answer.headers["Cache-Control"] = KEPT
    return answer


def _find(call: Call[Any, None], artifact_id: str) -> tuple[answers.Artifact, str]:
    if not is_id("art", artifact_id):
        raise NotFoundError(Missing.no_such_artifact())
    return call.service.stores.queries.jobs.artifact(artifact_id, call.who.reads)
